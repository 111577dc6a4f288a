// SPDX-License-Identifier: Apache-2.0
// Orders with every state and its own time, and how far each unit is.
import * as actions from "../actions";
import { h, type VNode } from "../dom";
import { clock } from "../format";
import { code, t } from "../i18n";
import type { AssignmentItem, IncidentItem, OrderItem } from "../model";
import { recipientName, unitName } from "../names";
import { orderTrouble } from "../queue";
import { store } from "../store";
import { action, chip, empty, section } from "./parts";

const STEPS: [keyof OrderItem, string][] = [
  ["queued_us", "queued"],
  ["sent_us", "sent"],
  ["delivered_us", "delivered"],
  ["read_us", "read"],
  ["accepted_us", "accepted"],
];

/** A step without a time is shown as not known, whatever came after it. */
function steps(order: OrderItem): VNode {
  return h(
    "ol",
    { class: "steps" },
    STEPS.map(([field, state]) => {
      const at = order[field] as number | undefined;
      return h(
        "li",
        { class: at ? "is-done" : "" },
        h("span", null, code("order_state", state)),
        h("time", null, at ? clock(at) : "–"),
      );
    }),
  );
}
function orderCard(order: OrderItem): VNode {
  const state = order.state ?? "queued";
  const trouble = orderTrouble(order, store.nowUs());
  const isBad =
    state === "failed" ||
    state === "refused" ||
    state === "expired" ||
    order.is_unknown ||
    order.needs_person;
  const isOver = state === "accepted" || state === "withdrawn" || state === "refused" || state === "expired";
  const endedAt = order.refused_us || order.ended_us;
  return h(
    "article",
    { key: order.id, class: `order ${isBad ? "is-bad" : trouble ? "is-slow" : ""}` },
    h(
      "div",
      { class: "row" },
      h("b", { class: "sign" }, recipientName(order.recipient_kind, order.recipient)),
      h("small", { class: "number" }, order.number ?? ""),
      h("small", null, code("channel", order.channel)),
      order.is_repeat ? chip("repeat", t("order.repeat")) : "",
      (order.attempts ?? 0) > 1 ? h("small", null, t("order.tries", { n: order.attempts ?? 0 })) : "",
      order.is_unknown ? chip("bad", `? ${t("order.unknown")}`) : "",
      order.needs_person && !order.is_unknown ? chip("bad", t("order.needs_person")) : "",
      isBad && !order.is_unknown && state !== "queued" && state !== "sent"
        ? chip("bad", `✕ ${code("order_state", state)} ${clock(endedAt)}`)
        : "",
      state === "withdrawn" ? chip("", `${code("order_state", state)} ${clock(order.ended_us)}`) : "",
    ),
    steps(order),
    order.text ? h("p", { class: "said" }, order.text) : "",
    order.why ? h("p", { class: "why" }, code("why", order.why)) : "",
    isOver
      ? ""
      : h(
          "div",
          { class: "acts" },
          isBad || trouble ? action("order.resend", t("act.resend"), () => actions.resend(order.id)) : null,
          action("order.record", t("act.voice"), () => actions.acceptByVoice(order.id)),
          state === "queued"
            ? action("order.withdraw", t("act.withdraw"), () => actions.withdraw(order.id))
            : null,
        ),
  );
}
export function ordersPart(incident: IncidentItem): VNode {
  const orders = store
    .all("order")
    .filter((order) => order.incident === incident.id)
    .sort((a, b) => b.id - a.id);
  return section(
    "orders",
    t("incident.orders"),
    String(orders.length),
    orders.length ? "" : empty(t("incident.no_orders")),
    orders.slice(0, 40).map(orderCard),
  );
}

const STAGES: [keyof AssignmentItem, string][] = [
  ["sent_us", "sent"],
  ["accepted_us", "accepted"],
  ["en_route_us", "en_route"],
  ["on_scene_us", "on_scene"],
  ["left_us", "left"],
  ["done_us", "done"],
];
export function assignmentsPart(incident: IncidentItem): VNode {
  const list = store
    .all("assignment")
    .filter((item) => item.incident === incident.id)
    .sort((a, b) => a.id - b.id);
  return section(
    "assignments",
    t("incident.assignments"),
    String(list.length),
    list.length
      ? h(
          "table",
          { class: "grid progress" },
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              h("th", null, t("rec.unit")),
              STAGES.map(([, state]) => h("th", null, code("assignment_state", state))),
            ),
          ),
          h(
            "tbody",
            null,
            list.map((item) =>
              h(
                "tr",
                { key: item.id, class: item.state === "done" ? "past" : "" },
                h("td", { class: "sign", title: code("capability", item.capability) }, unitName(item.unit)),
                STAGES.map(([field, state]) => {
                  const at = item[field] as number | undefined;
                  return h(
                    "td",
                    { class: (item.state ?? "sent") === state ? "is-here" : "" },
                    at ? clock(at).slice(0, 8) : "–",
                  );
                }),
              ),
            ),
          ),
        )
      : empty(t("incident.no_assignments")),
  );
}
