// SPDX-License-Identifier: Apache-2.0
// Taking down what a caller says: the words first; what it may be and what is near shows by itself.
import { ask } from "../outcomes";
import { h, type Child } from "../dom";
import { metresBetween } from "../format";
import { t } from "../i18n";
import { incidentTitle, typeName } from "../names";
import { store } from "../store";
import { canAct, ui } from "../ui";

const NEAR_M = 400;
const form = { text: "", type: "", phone: "", name: "", incident: 0 };
/** Told by the map: its centre, 1e-7 degree. */
export const mapCentre = { lonE7: 0, latE7: 0 };

function guessed(): string {
  for (const item of store.table("incident_type").values()) {
    const words = (item.words ?? "").split(/\s+/).filter(Boolean);
    if (words.some((word) => form.text.includes(word))) return item.code ?? "";
  }
  return "";
}
function save(): void {
  if (!form.text.trim() || !canAct("report.create")) return;
  void ask(
    "report.create",
    {
      channel: "phone",
      type: form.type || guessed(),
      text: form.text.trim(),
      lon_e7: mapCentre.lonE7,
      lat_e7: mapCentre.latE7,
      caller_name: form.name,
      caller_phone: form.phone,
      incident: form.incident,
    },
    t("intake.title"),
  );
  Object.assign(form, { text: "", type: "", phone: "", name: "", incident: 0 });
  ui.isIntakeOpen = false;
  ui.touch();
}

export function intakeView(): Child[] {
  if (!ui.isIntakeOpen) return [];
  const set = (name: "text" | "type" | "phone" | "name") => (event: Event) => {
    form[name] = (event.target as HTMLInputElement).value;
    ui.touch();
  };
  const guess = guessed();
  const near = store
    .all("incident")
    .filter((item) => (item.state ?? "open") === "open" && item.lon_e7)
    .map((item) => ({
      item,
      n: Math.round(metresBetween(item.lon_e7 ?? 0, item.lat_e7 ?? 0, mapCentre.lonE7, mapCentre.latE7)),
    }))
    .filter((found) => found.n < NEAR_M)
    .sort((a, b) => a.n - b.n)
    .slice(0, 3);
  const onKey = (event: Event): void => {
    const key = event as KeyboardEvent;
    if (key.key === "Enter" && key.ctrlKey) save();
  };
  return [
    h(
      "div",
      {
        key: "intake",
        class: "intake dialog",
        role: "dialog",
        "aria-label": t("intake.title"),
        on: { keydown: onKey },
      },
      h("h2", null, t("intake.title")),
      h(
        "label",
        null,
        h("span", null, t("intake.text")),
        h("textarea", {
          rows: 4,
          maxlength: 2000,
          autofocus: true,
          value: form.text,
          on: { input: set("text") },
        }),
      ),
      h(
        "label",
        null,
        h("span", null, t("intake.type")),
        h(
          "select",
          { value: form.type, on: { change: set("type") } },
          h(
            "option",
            { value: "" },
            guess ? t("intake.type_guess", { type: typeName(guess) }) : t("intake.type_none"),
          ),
          store
            .all("incident_type")
            .map((item) => h("option", { key: item.id, value: item.code ?? "" }, typeName(item.code))),
        ),
      ),
      h(
        "div",
        { class: "pair" },
        h(
          "label",
          null,
          h("span", null, t("intake.phone")),
          h("input", { type: "tel", maxlength: 40, value: form.phone, on: { input: set("phone") } }),
        ),
        h(
          "label",
          null,
          h("span", null, t("intake.name")),
          h("input", { maxlength: 80, value: form.name, on: { input: set("name") } }),
        ),
      ),
      h(
        "p",
        null,
        `${t("intake.place")}: ${t("intake.place_map")} ⊕ ${(mapCentre.lonE7 / 1e7).toFixed(5)}, ${(mapCentre.latE7 / 1e7).toFixed(5)}`,
      ),
      near.map(({ item, n }) =>
        h(
          "label",
          { key: item.id, class: "near" },
          h("input", {
            type: "checkbox",
            checked: form.incident === item.id,
            on: {
              change: (event) => {
                form.incident = (event.target as HTMLInputElement).checked ? item.id : 0;
                ui.touch();
              },
            },
          }),
          h(
            "span",
            null,
            `${t("intake.near", { number: item.number ?? "", title: incidentTitle(item), n })}: ${t("intake.join")}`,
          ),
        ),
      ),
      h(
        "div",
        { class: "acts" },
        h(
          "button",
          {
            class: "act",
            type: "button",
            on: {
              click: () => {
                ui.isIntakeOpen = false;
                ui.touch();
              },
            },
          },
          t("act.cancel"),
          h("kbd", null, "Esc"),
        ),
        h(
          "button",
          {
            class: "act primary",
            type: "button",
            disabled: !form.text.trim() || !canAct("report.create"),
            on: { click: save },
          },
          t("intake.save"),
        ),
      ),
    ),
  ];
}
