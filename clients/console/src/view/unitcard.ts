// SPDX-License-Identifier: Apache-2.0
// The unit picked on the map or in the table: what is known of it, and setting its state by hand.
import * as actions from "../actions";
import { h, type Child } from "../dom";
import { age, clock } from "../format";
import { code, own, t } from "../i18n";
import { ENUMS } from "../model";
import { incidentName } from "../names";
import { store } from "../store";
import { canAct, may, ui } from "../ui";
import { action, link } from "./parts";

export function unitCard(): Child[] {
  const unit = store.find("unit", ui.unit);
  if (!unit) return [];
  const state = unit.state ?? "unknown";
  const incidents = (unit.assignments ?? [])
    .map((id) => store.find("assignment", id)?.incident ?? 0)
    .filter(Boolean);
  const hide = (): void => {
    ui.unit = 0;
    ui.touch();
  };
  return [
    h(
      "div",
      { key: unit.id, class: `unit-card ${unit.alarm ? "is-alarm" : ""}` },
      h(
        "div",
        { class: "row" },
        h("b", { class: "sign" }, unit.call_sign ?? `#${unit.id}`),
        h("span", null, own(unit.name_zh, unit.name_en)),
        h("b", { class: `st-${state}` }, code("unit_state", state)),
        link(t("map.unit_close"), hide),
      ),
      unit.alarm ? h("p", { class: "line-bad" }, `▲ ${t("map.emergency")}`) : "",
      h(
        "small",
        null,
        [
          `${t("units.since")} ${clock(unit.state_at_us) || "–"} (${code("how", unit.state_how ?? "unknown")})`,
          `${t("units.position")} ${age(unit.position_at_us)}${unit.is_doubtful ? ` · ${t("map.doubtful")}` : ""}${unit.error_m ? ` ±${unit.error_m} m` : ""}`,
          `${t("units.heard")} ${age(unit.heard_us)}`,
        ].join(" · "),
      ),
      h(
        "div",
        { class: "row" },
        incidents.length
          ? incidents.map((id) => link(incidentName(id), () => ui.openIncident(id)))
          : h("small", null, t("units.none_task")),
        may("unit.set_state")
          ? h(
              "select",
              {
                "aria-label": t("map.set_state"),
                value: "",
                disabled: !canAct("unit.set_state"),
                on: {
                  change: (event) => {
                    const field = event.target as HTMLSelectElement;
                    actions.setState(unit, field.value);
                    field.value = "";
                    field.blur();
                  },
                },
              },
              h("option", { value: "" }, `${t("map.set_state")} …`),
              ENUMS.unit_state.slice(1).map((item) => h("option", { value: item }, code("unit_state", item))),
            )
          : "",
        ui.incident && !unit.assignments?.length
          ? action("units.send", t("act.send"), () => actions.previewSend(ui.incident, [unit.id]))
          : "",
      ),
    ),
  ];
}
