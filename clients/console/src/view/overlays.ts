// SPDX-License-Identifier: Apache-2.0
// What lies over the panes: the confirmation, outcomes, help, the command line, the log-in.
import { dismiss, outcomes, type Outcome } from "../outcomes";
import { complete, completions, execute, WORDS } from "../commandline";
import { h, type Child, type VNode } from "../dom";
import { code, t } from "../i18n";
import { confirmDialog, escape } from "../keys";
import { unitName } from "../names";
import { store } from "../store";
import { may, ui } from "../ui";

export function dialogView(): Child[] {
  const dialog = ui.dialog;
  if (!dialog) return [];
  const isStale = store.isStale();
  const input = dialog.input;
  const isMissing = !!input?.isNeeded && !input.value.trim();
  return [
    h(
      "div",
      { key: "shade", class: "shade", on: { click: () => escape() } },
      h(
        "div",
        {
          key: dialog.seen + dialog.kind,
          class: `dialog ${dialog.isDanger ? "danger" : ""}`,
          role: "dialog",
          "aria-modal": "true",
          "aria-label": dialog.title,
          on: { click: (event) => event.stopPropagation() },
        },
        h("h2", null, dialog.title),
        dialog.lines.map((line) =>
          h(
            "p",
            { class: `line-${line.mark ?? "plain"}` },
            line.mark ? (line.mark === "bad" ? "✕ " : "△ ") : "",
            line.text,
          ),
        ),
        input?.choices
          ? h(
              "label",
              null,
              h("span", null, input.label),
              h(
                "select",
                {
                  value: input.value,
                  autofocus: true,
                  "aria-label": input.label,
                  on: {
                    change: (event) => {
                      input.value = (event.target as HTMLSelectElement).value;
                      ui.touch();
                    },
                  },
                },
                h("option", { value: "" }, t("intake.type_none")),
                input.choices.map(([value, text]) => h("option", { value }, text)),
              ),
            )
          : "",
        input && !input.choices
          ? h(
              "label",
              null,
              h("span", null, input.label),
              h("input", {
                type: "text",
                maxlength: input.max,
                value: input.value,
                autofocus: true,
                "aria-label": input.label,
                on: {
                  input: (event) => {
                    input.value = (event.target as HTMLInputElement).value;
                    ui.touch();
                  },
                },
              }),
            )
          : "",
        isStale ? h("p", { class: "line-bad" }, "✕ ", t("dialog.stale")) : "",
        h(
          "div",
          { class: "acts" },
          h("small", null, t("dialog.hint")),
          h(
            "button",
            { class: "act", type: "button", on: { click: () => escape() } },
            t("act.cancel"),
            h("kbd", null, "Esc"),
          ),
          h(
            "button",
            {
              class: "act primary",
              type: "button",
              disabled: isStale || isMissing,
              on: { click: () => confirmDialog() },
            },
            dialog.confirm,
            h("kbd", null, "⏎"),
          ),
        ),
      ),
    ),
  ];
}

/** Plain successes go soon; those that tell of each unit stay longer; refusals until dismissed. */
const OUTCOME_OK_MS = 6000;
const OUTCOME_UNITS_MS = 45000;
function unitOutcome(outcome: Outcome, unit: number): VNode {
  const order = store
    .all("order")
    .find((item) => item.incident === outcome.incident && item.recipient === unit && item.id >= outcome.seq);
  const state = order?.state ?? "queued";
  const text = !order
    ? t("result.unit_waits", { unit: unitName(unit) })
    : t("result.unit", {
        unit: unitName(unit),
        state: order.is_unknown ? t("order.unknown") : code("order_state", state),
      });
  const isBad =
    order && (order.is_unknown || state === "failed" || state === "refused" || state === "expired");
  return h("li", { key: unit, class: isBad ? "bad" : "" }, text);
}
export function outcomesView(): Child[] {
  const shown = outcomes.filter(
    (outcome) =>
      outcome.state !== "ok" ||
      Date.now() - outcome.atMs < (outcome.units.length ? OUTCOME_UNITS_MS : OUTCOME_OK_MS),
  );
  return shown.map((outcome) =>
    h(
      "div",
      { key: outcome.key, class: `outcome ${outcome.state}`, role: "status" },
      h("p", null, outcome.state === "ok" ? "✓ " : outcome.state === "refused" ? "✕ " : "… ", outcome.text),
      outcome.units.length && outcome.state === "ok"
        ? h(
            "ul",
            null,
            outcome.units.map((unit) => unitOutcome(outcome, unit)),
          )
        : "",
      h(
        "button",
        {
          class: "link",
          type: "button",
          "aria-label": t("act.dismiss"),
          on: { click: () => dismiss(outcome.key) },
        },
        t("act.dismiss"),
      ),
    ),
  );
}

const KEYS: [string, string][] = [
  ["↑ ↓", "queue"],
  ["Enter", "enter"],
  ["F  V", "deed"],
  ["/  :", "command"],
  ["S", "send"],
  ["1 … 9", "digit"],
  ["A", "ack"],
  ["Y  N", "answer"],
  ["J  O", "join"],
  ["T", "note"],
  ["C", "claim"],
  ["X", "close"],
  ["R", "intake"],
  ["G", "map"],
  ["U", "tabs"],
  ["⇧L", "lang"],
  ["⇧D", "theme"],
  ["⇧M", "mute"],
  ["Esc", "escape"],
];
export function helpView(): Child[] {
  if (!ui.isHelpOpen) return [];
  return [
    h(
      "div",
      { key: "help", class: "shade", on: { click: () => escape() } },
      h(
        "div",
        {
          class: "dialog help",
          role: "dialog",
          "aria-label": t("help.title"),
          on: { click: (event) => event.stopPropagation() },
        },
        may("units.send") ? "" : h("p", null, t("help.observer")),
        h(
          "div",
          { class: "two" },
          h(
            "div",
            null,
            h("h2", null, t("help.title")),
            h(
              "dl",
              null,
              KEYS.map(([key, name]) => [
                h("dt", null, h("kbd", null, key)),
                h("dd", null, t(`help.${name}`)),
              ]),
            ),
          ),
          h(
            "div",
            null,
            h("h2", null, t("help.commands")),
            h(
              "dl",
              null,
              WORDS.map((word) => [
                h("dt", null, h("code", null, word.usage)),
                h("dd", null, t(`cmd.${word.name}`)),
              ]),
            ),
          ),
        ),
        h(
          "div",
          { class: "acts" },
          h(
            "button",
            { class: "act", type: "button", on: { click: () => escape() } },
            t("act.dismiss"),
            h("kbd", null, "Esc"),
          ),
        ),
      ),
    ),
  ];
}

export function commandView(): Child[] {
  const found = ui.isCommandOpen ? completions(ui.commandText) : [];
  const leave = (): void => {
    ui.isCommandOpen = false;
    ui.commandText = "";
    ui.touch();
  };
  const onKey = (event: Event): void => {
    const key = event as KeyboardEvent;
    const field = key.target as HTMLInputElement;
    if (key.key === "Tab") {
      key.preventDefault();
      ui.commandText = complete(field.value);
      ui.touch();
    } else if (key.key === "Enter" && !key.isComposing) {
      key.preventDefault();
      key.stopPropagation();
      const note = field.value.trim() ? execute(field.value) : "";
      ui.commandNote = note;
      if (!note) {
        field.blur();
        leave();
      }
      ui.touch();
    }
  };
  return [
    h("span", { class: "prompt", "aria-hidden": "true" }, "/"),
    h("input", {
      id: "command",
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: t("command.hint"),
      "aria-label": t("help.command"),
      value: ui.commandText,
      on: {
        keydown: onKey,
        focus: () => {
          ui.isCommandOpen = true;
          ui.touch();
        },
        blur: () => {
          ui.isCommandOpen = false;
          ui.commandText = "";
          ui.touch();
        },
        input: (event) => {
          ui.commandText = (event.target as HTMLInputElement).value;
          ui.commandNote = "";
          ui.touch();
        },
      },
    }),
    ui.commandNote ? h("span", { class: "command-note", role: "alert" }, ui.commandNote) : "",
    found.length
      ? h(
          "div",
          { class: "completions" },
          found.map((item) =>
            h(
              "span",
              null,
              item,
              ui.commandText.includes(" ") ? "" : h("small", null, ` ${t(`cmd.${item}`)}`),
            ),
          ),
        )
      : "",
  ];
}

export function loginView(onSubmit: (user: string, password: string) => void, problem: string): Child[] {
  const submit = (event: Event): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    onSubmit(String(data.get("user") ?? ""), String(data.get("password") ?? ""));
  };
  return [
    h(
      "div",
      { key: "login", class: "login" },
      h(
        "form",
        { on: { submit } },
        h(
          "div",
          { class: "login-head" },
          h("h1", null, "Tocsin"),
          h("span", null, t("app.name")),
          h(
            "button",
            {
              class: "tool lang",
              type: "button",
              on: { click: () => ui.setLang(ui.lang === "zh" ? "en" : "zh") },
            },
            t("top.lang"),
          ),
        ),
        h(
          "label",
          null,
          h("span", null, t("login.user")),
          h("input", { name: "user", autocomplete: "username", required: true, autofocus: true }),
        ),
        h(
          "label",
          null,
          h("span", null, t("login.password")),
          h("input", {
            name: "password",
            type: "password",
            autocomplete: "current-password",
            required: true,
          }),
        ),
        problem ? h("p", { class: "problem", role: "alert" }, t(problem)) : "",
        h("button", { class: "act primary", type: "submit" }, t("login.submit"), h("kbd", null, "⏎")),
      ),
    ),
  ];
}
