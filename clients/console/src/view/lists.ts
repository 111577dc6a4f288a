// SPDX-License-Identifier: Apache-2.0
// Tables of all incidents and of all city cases, the open ones first.
import * as actions from "../actions";
import { h, type VNode } from "../dom";
import { age } from "../format";
import { code, own, t } from "../i18n";
import type { CaseItem, IncidentItem } from "../model";
import { incidentName, incidentTitle, placeOf, typeName } from "../names";
import { store } from "../store";
import { canAct, may, ui } from "../ui";
import { stopThen } from "./parts";

const ROWS_SHOWN = 200;

function table(name: string, heads: string[], rows: VNode[]): VNode {
  return h(
    "div",
    { key: name, class: "units" },
    rows.length
      ? h(
          "table",
          { class: "grid" },
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              heads.map((head) => h("th", null, t(head))),
            ),
          ),
          h("tbody", null, rows),
        )
      : h("p", { class: "empty" }, t(`${name}.none`)),
  );
}

export function incidentTable(): VNode {
  const rank = (incident: IncidentItem): number => ((incident.state ?? "open") === "open" ? 0 : 1);
  const list = store
    .all("incident")
    .sort((a, b) => rank(a) - rank(b) || b.id - a.id)
    .slice(0, ROWS_SHOWN);
  const heads = [
    "order.number",
    "incidents.grade",
    "units.state",
    "incidents.type",
    "incidents.what",
    "units.title",
    "incident.opened",
    "incident.claimed",
    "incident.response",
    "incident.place",
  ];
  return table(
    "incidents",
    heads,
    list.map((incident) => {
      const grade = incident.grade && incident.grade !== "none" ? incident.grade.toUpperCase() : "–";
      return h(
        "tr",
        {
          key: incident.id,
          class: `${incident.id === ui.incident ? "is-on" : ""} ${rank(incident) ? "past" : ""}`,
          on: { click: () => ui.openIncident(incident.id) },
        },
        h("td", { class: "sign" }, incident.number ?? `#${incident.id}`),
        h("td", null, grade),
        h("td", null, code("incident_state", incident.state ?? "open")),
        h("td", null, typeName(incident.type)),
        h("td", { class: "words", title: incidentTitle(incident) }, incidentTitle(incident)),
        h("td", { class: "num" }, actions.unitsOn(incident.id).size),
        h("td", null, age(incident.opened_us)),
        h("td", null, incident.claimed_by || "–"),
        h("td", null, incident.response || "–"),
        h("td", null, placeOf(incident)),
      );
    }),
  );
}

/** The stages a case may go to by hand; the hub has the last word. */
const NEXT: Record<string, string[]> = {
  collected: ["accepted", "rejected"],
  accepted: ["filed", "rejected"],
  filed: ["dispatched", "rejected"],
  dispatched: ["handling"],
  handling: ["feedback"],
  feedback: ["checked", "handling"],
  checked: ["closed", "handling"],
  closed: ["evaluated"],
};
export function caseTable(): VNode {
  const rank = (item: CaseItem): number =>
    NEXT[item.stage ?? "collected"] && item.stage !== "closed" ? 0 : 1;
  const list = store
    .all("case")
    .sort((a, b) => rank(a) - rank(b) || b.id - a.id)
    .slice(0, ROWS_SHOWN);
  const heads = [
    "order.number",
    "cases.service",
    "incidents.what",
    "incident.place",
    "incident.opened",
    "cases.stage",
    "incidents.one",
    ...(may("case.set_stage") ? ["cases.next"] : []),
  ];
  return table(
    "cases",
    heads,
    list.map((item) => {
      const stage = item.stage ?? "collected";
      const show = (): void => {
        if (item.lon_e7) ui.goTo?.(item.lon_e7, item.lat_e7 ?? 0);
        if (item.incident) ui.openIncident(item.incident);
      };
      return h(
        "tr",
        { key: item.id, class: rank(item) ? "past" : "", on: { click: show } },
        h("td", { class: "sign" }, item.number ?? `#${item.id}`),
        h("td", null, own(item.service_zh, item.service_en)),
        h("td", { class: "words", title: item.description ?? "" }, item.description ?? ""),
        h("td", { class: "words" }, placeOf(item)),
        h("td", null, age(item.opened_us)),
        h("td", null, `${code("stage", stage)} ${item.stage_us ? age(item.stage_us) : ""}`),
        h("td", null, item.incident ? incidentName(item.incident) : "–"),
        may("case.set_stage")
          ? h(
              "td",
              null,
              (NEXT[stage] ?? []).map((next) =>
                h(
                  "button",
                  {
                    key: next,
                    class: "act",
                    type: "button",
                    disabled: !canAct("case.set_stage"),
                    on: { click: stopThen(() => actions.setStage(item.id, next)) },
                  },
                  `→ ${code("stage", next)}`,
                ),
              ),
            )
          : "",
      );
    }),
  );
}
