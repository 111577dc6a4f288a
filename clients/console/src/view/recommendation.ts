// SPDX-License-Identifier: Apache-2.0
// Who could go, how long by road, why, and what is missing. One key sends the chosen ones.
import * as actions from "../actions";
import { h, type VNode } from "../dom";
import { age, travel, way } from "../format";
import { code, t } from "../i18n";
import type { IncidentItem, WorldRecommended } from "../model";
import { unitName } from "../names";
import { store } from "../store";
import { canAct, may, ui } from "../ui";
import { action, empty, section } from "./parts";

const PASSED_OVER_SHOWN = 6;

function lineRow(
  incident: number,
  line: WorldRecommended,
  n: number,
  chosen: Set<number>,
  busy: Set<number>,
): VNode {
  const id = line.unit ?? 0;
  const unit = store.find("unit", id);
  const isOn = chosen.has(id);
  const isAway = busy.has(id);
  const why = [code("reason", line.reason), line.doubt ? `? ${code("reason", line.doubt)}` : ""]
    .filter(Boolean)
    .join(" · ");
  return h(
    "tr",
    {
      key: `${id}/${line.capability ?? ""}`,
      class: `${isOn ? "is-on" : ""} ${isAway ? "is-away" : ""}`,
      on: {
        click: () => {
          if (!isAway && canAct("units.send")) actions.toggleChosen(incident, id);
        },
      },
    },
    h(
      "td",
      { class: "pick" },
      isAway ? "→" : isOn ? "☑" : "☐",
      n <= 9 && !isAway && may("units.send") ? h("kbd", null, n) : "",
    ),
    h("td", { class: "sign" }, unitName(id)),
    h("td", null, code("capability", line.capability)),
    h("td", { class: "num" }, h("b", null, travel(line.seconds))),
    h("td", { class: "num far" }, way(line.metres)),
    h("td", { class: `st st-${unit?.state ?? "unknown"}` }, code("unit_state", unit?.state ?? "unknown")),
    h("td", { class: `why ${line.doubt ? "doubt" : ""}`, title: why }, why),
  );
}

export function recommendationPart(incident: IncidentItem): VNode {
  const item = store.find("recommendation", incident.id);
  const again = action("recommendation.ask", t("act.recommend"), () => actions.recommend(incident.id));
  if (!item)
    return section(
      "recommendation",
      t("incident.recommendation"),
      again,
      empty(t("incident.no_recommendation")),
    );
  const chosen = new Set(actions.chosenUnits(incident.id));
  const busy = actions.unitsOn(incident.id);
  const lines = item.lines ?? [];
  const shown: [WorldRecommended, number][] = [];
  let others = 0;
  lines.forEach((line, i) => {
    const isPicked = line.is_chosen || chosen.has(line.unit ?? 0);
    if (isPicked || others++ < PASSED_OVER_SHOWN) shown.push([line, i + 1]);
  });
  // Units the user named by hand, whom nobody had considered.
  const known = new Set(lines.map((line) => line.unit));
  for (const id of ui.chosen ?? []) if (!known.has(id)) shown.push([{ unit: id }, 99]);
  return section(
    "recommendation",
    t("incident.recommendation"),
    [
      item.is_pending ? h("b", { class: "warn" }, t("rec.pending")) : "",
      h(
        "small",
        null,
        `${t("incident.made", { n: age(item.made_us) })} · ${t("incident.as_of", { seq: item.as_of ?? 0 })} `,
      ),
      again,
    ],
    (item.shortfalls ?? []).map((gap) =>
      h(
        "p",
        { class: "short" },
        "▲ ",
        t("rec.shortfall", {
          capability: code("capability", gap.capability),
          needed: gap.needed ?? 0,
          found: gap.found ?? 0,
        }),
      ),
    ),
    item.uncovered?.length
      ? h(
          "p",
          { class: "uncovered" },
          "△ ",
          t("rec.uncovered", { list: item.uncovered.map((word) => code("capability", word)).join(" · ") }),
        )
      : "",
    lines.length
      ? h(
          "table",
          { class: "grid rec" },
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              h("th", null, ""),
              h("th", null, t("rec.unit")),
              h("th", null, t("rec.as")),
              h("th", { class: "num" }, t("rec.time")),
              h("th", { class: "num far" }, t("rec.way")),
              h("th", null, t("rec.now")),
              h("th", null, t("rec.reason")),
            ),
          ),
          h(
            "tbody",
            null,
            shown.map(([line, n]) => lineRow(incident.id, line, n, chosen, busy)),
          ),
        )
      : empty(t("incident.no_recommendation")),
    lines.length > shown.length
      ? h("small", { class: "more" }, t("rec.others", { n: lines.length - shown.length }))
      : "",
    chosen.size && (incident.state ?? "open") === "open"
      ? h(
          "div",
          { class: "acts send" },
          action(
            "units.send",
            t("dialog.send", { n: chosen.size, list: [...chosen].map(unitName).join(" ") }),
            () => actions.previewSend(incident.id),
            "S",
            "primary",
          ),
        )
      : "",
  );
}
