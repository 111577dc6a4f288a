// SPDX-License-Identifier: Apache-2.0
// Bottom pane: the log in words, and the table of units.
import { h, type Child, type VNode } from "../dom";
import { age, date, when } from "../format";
import { code, own, t } from "../i18n";
import type { UnitItem } from "../model";
import { incidentName, incidentOf, sentence } from "../names";
import { store } from "../store";
import { TABS, ui, type Tab } from "../ui";
import { caseTable, incidentTable } from "./lists";

const FACTS_SHOWN = 200;
const UNITS_SHOWN = 300;
/** Facts about the machinery, of no use to a duty officer reading back. */
const QUIET = new Set([
  "timer.set",
  "timer.cancelled",
  "timer.fired",
  "command.taken",
  "run.called",
  "run.answered",
  "order.attempted",
  "unit.position",
  "unit.heard",
  "sensor.reading",
  "frame.rejected",
]);
const LOUD = new Set([
  "alarm.raised",
  "attempt.failed",
  "attempt.unknown",
  "order.refused",
  "order.expired",
  "clock.ran_out",
  "source.down",
  "source.silent",
  "command.refused",
  "question.expired",
]);

export function bottomPane(): Child[] {
  const tab = (name: Tab): VNode =>
    h(
      "button",
      {
        class: "tab",
        type: "button",
        role: "tab",
        "aria-selected": ui.tab === name ? "true" : "false",
        on: {
          click: () => {
            ui.tab = name;
            ui.touch();
          },
        },
      },
      t(`${name}.title`),
    );
  return [
    h(
      "div",
      { key: "tabs", class: "tabs", role: "tablist" },
      TABS.map(tab),
      h("kbd", null, "U"),
      ui.tab === "log" ? logFilter() : ui.tab === "units" ? unitFilter() : "",
    ),
    TABLES[ui.tab](),
  ];
}
const TABLES: Record<Tab, () => VNode> = {
  log: () => logTable(),
  units: () => unitTable(),
  incidents: () => incidentTable(),
  cases: () => caseTable(),
};

function logFilter(): VNode {
  const choice = (isAll: boolean, text: string): VNode =>
    h(
      "button",
      {
        class: "tab small",
        type: "button",
        "aria-pressed": ui.logAll === isAll ? "true" : "false",
        on: {
          click: () => {
            ui.logAll = isAll;
            ui.touch();
          },
        },
      },
      text,
    );
  return h(
    "span",
    { key: "filter-log", class: "filter" },
    choice(true, t("log.all")),
    choice(false, `${t("log.incident")} ${ui.incident ? incidentName(ui.incident) : ""}`),
  );
}
function logTable(): VNode {
  const rows: VNode[] = [];
  let day = date(store.nowUs());
  for (let i = store.log.length - 1; i >= 0 && rows.length < FACTS_SHOWN; i--) {
    const fact = store.log[i];
    if (!fact || QUIET.has(fact.kind)) continue;
    const incident = incidentOf(fact);
    if (!ui.logAll && ui.incident && incident !== ui.incident) continue;
    const factDay = date(fact.at);
    if (factDay !== day) rows.push(h("li", { key: `d${factDay}`, class: "day" }, factDay));
    day = factDay;
    rows.push(
      h(
        "li",
        { key: fact.seq, class: LOUD.has(fact.kind) ? "loud" : "" },
        h("time", null, when(fact.at).slice(-8)),
        h("span", { class: "seq" }, `#${fact.seq}`),
        h("span", { class: "number" }, incident ? incidentName(incident) : ""),
        h("span", { class: "text" }, sentence(fact)),
      ),
    );
  }
  return h(
    "ol",
    { key: "log", class: "log" },
    rows.length ? rows : h("li", { class: "empty" }, t("log.empty")),
  );
}

function unitFilter(): VNode {
  return h(
    "span",
    { key: "filter-units", class: "filter" },
    h("input", {
      type: "search",
      placeholder: t("units.filter"),
      "aria-label": t("units.filter"),
      value: ui.unitFilter,
      on: {
        input: (event) => {
          ui.unitFilter = (event.target as HTMLInputElement).value;
          ui.touch();
        },
      },
    }),
  );
}
function fits(unit: UnitItem, wanted: string): boolean {
  if (!wanted) return true;
  const text = [
    unit.call_sign,
    unit.name_zh,
    unit.name_en,
    code("unit_state", unit.state ?? "unknown"),
    code("unit_kind", unit.kind ?? "other"),
  ];
  return text.join(" ").toLowerCase().includes(wanted);
}
const RIGHT = new Set(["since", "position", "heard"]);
function unitTable(): VNode {
  const wanted = ui.unitFilter.trim().toLowerCase();
  const fitting = store.all("unit").filter((unit) => fits(unit, wanted));
  fitting.sort((a, b) => (a.call_sign ?? "").localeCompare(b.call_sign ?? "", undefined, { numeric: true }));
  const heads = [
    "call_sign",
    "name",
    "kind",
    "state",
    "since",
    "how",
    "position",
    "heard",
    "capabilities",
    "task",
  ];
  return h(
    "div",
    { key: "units", class: "units" },
    h(
      "table",
      { class: "grid" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          heads.map((head) => h("th", RIGHT.has(head) ? { class: "num" } : null, t(`units.${head}`))),
        ),
      ),
      h("tbody", null, fitting.slice(0, UNITS_SHOWN).map(unitRow)),
    ),
    h(
      "small",
      { class: "more" },
      t("units.shown", { n: Math.min(UNITS_SHOWN, fitting.length), total: store.table("unit").size }),
    ),
  );
}
function unitRow(unit: UnitItem): VNode {
  const oldUs = store.nowUs() - (unit.position_at_us ?? 0);
  const ageClass = oldUs > 600e6 ? "old" : oldUs > 120e6 ? "aging" : "";
  const incidents = (unit.assignments ?? []).map((id) =>
    incidentName(store.find("assignment", id)?.incident),
  );
  const show = (): void => {
    ui.unit = unit.id;
    if (unit.lon_e7) ui.goTo?.(unit.lon_e7, unit.lat_e7 ?? 0);
    ui.touch();
  };
  return h(
    "tr",
    {
      key: unit.id,
      class: `${ui.unit === unit.id ? "is-on" : ""} ${unit.alarm ? "is-alarm" : ""}`,
      on: { click: show },
    },
    h("td", { class: "sign" }, unit.alarm ? "▲ " : "", unit.call_sign ?? `#${unit.id}`),
    h("td", null, own(unit.name_zh, unit.name_en)),
    h("td", null, code("unit_kind", unit.kind ?? "other")),
    h("td", { class: `st st-${unit.state ?? "unknown"}` }, code("unit_state", unit.state ?? "unknown")),
    h("td", { class: "num" }, unit.state_at_us ? age(unit.state_at_us) : "–"),
    h("td", null, unit.state_how ? code("how", unit.state_how) : "–"),
    h("td", { class: `num age ${ageClass}` }, `${unit.is_doubtful ? "? " : ""}${age(unit.position_at_us)}`),
    h("td", { class: "num" }, age(unit.heard_us)),
    h(
      "td",
      null,
      (unit.capabilities ?? [])
        .map(
          (need) => `${code("capability", need.capability)}${(need.count ?? 1) > 1 ? ` ×${need.count}` : ""}`,
        )
        .join(" · "),
    ),
    h("td", null, incidents.join(" ")),
  );
}
