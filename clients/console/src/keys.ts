// SPDX-License-Identifier: Apache-2.0
// Keys that work wherever no field has the cursor. Each is also a button that shows its key.
import * as actions from "./actions";
import { firstAlarm, firstQuestion } from "./commandline";
import { deedsOf } from "./deeds";
import { outcomes } from "./outcomes";
import { currentQueue, type QueueLine } from "./queue";
import { toggleMute } from "./sound";
import { store } from "./store";
import { TABS, may, ui } from "./ui";

export function chosenLine(): QueueLine | undefined {
  return currentQueue().lines.find((line) => line.key === ui.queueKey);
}
export function moveInQueue(step: number): void {
  const { lines } = currentQueue();
  if (!lines.length) return;
  const at = lines.findIndex((line) => line.key === ui.queueKey);
  const next = at < 0 ? 0 : Math.min(lines.length - 1, Math.max(0, at + step));
  ui.queueKey = lines[next]?.key ?? "";
  ui.touch();
}
/** Opens what a line is about. */
export function openLine(line: QueueLine | undefined): void {
  if (!line) return;
  ui.queueKey = line.key;
  if (line.incident) return ui.openIncident(line.incident);
  const item =
    line.kind === "alarm"
      ? store.find("alarm", line.id)
      : line.kind === "report"
        ? store.find("report", line.id)
        : undefined;
  if (item?.lon_e7) ui.goTo?.(item.lon_e7, item.lat_e7 ?? 0);
  ui.touch();
}
function chooseNth(n: number): void {
  if (!ui.incident) return;
  const unit = actions.recommended(ui.incident)[n - 1]?.unit;
  if (unit) actions.toggleChosen(ui.incident, unit);
}
function withIncident(run: (incident: number) => void): () => void {
  return () => {
    if (ui.incident) run(ui.incident);
  };
}
function ofReport(run: (report: number, incident: number) => void): () => void {
  return () => {
    const line = chosenLine();
    const fromQueue = line && (line.kind === "report" || line.kind === "proposal") ? line.id : 0;
    const report =
      fromQueue || store.all("report").find((item) => !item.incident && item.proposed === ui.incident)?.id;
    const incident = store.find("report", report)?.proposed || ui.incident;
    if (report) run(report, incident);
  };
}

const KEYS: Record<string, () => void> = {
  ArrowDown: () => moveInQueue(1),
  ArrowUp: () => moveInQueue(-1),
  Enter: () => openLine(chosenLine() ?? currentQueue().lines[0]),
  "?": () => flip("isHelpOpen"),
  "/": () => openCommand(),
  ":": () => openCommand(),
  a: () => {
    const alarm = firstAlarm();
    if (alarm) actions.acknowledge(alarm);
  },
  y: () => answerFirst(true),
  n: () => answerFirst(false),
  s: withIncident((incident) => actions.previewSend(incident)),
  t: withIncident((incident) => actions.note(incident)),
  x: withIncident((incident) => actions.close(incident)),
  c: withIncident((incident) => actions.claim(incident)),
  g: withIncident((incident) => ui.openIncident(incident)),
  j: ofReport((report, incident) => actions.join(report, incident)),
  o: ofReport((report) => actions.openFrom(report)),
  f: () => doDeed(0),
  v: () => doDeed(1),
  u: () => {
    ui.tab = TABS[(TABS.indexOf(ui.tab) + 1) % TABS.length] ?? "log";
    ui.touch();
  },
  r: () => {
    if (may("report.create")) flip("isIntakeOpen");
  },
  L: () => ui.setLang(ui.lang === "zh" ? "en" : "zh"),
  D: () => ui.setTheme(ui.theme === "day" ? "night" : "day"),
  M: () => toggleMute(),
  Escape: () => escape(),
};
for (let n = 1; n <= 9; n++) KEYS[String(n)] = () => chooseNth(n);

function flip(name: "isHelpOpen" | "isIntakeOpen"): void {
  ui[name] = !ui[name];
  ui.touch();
}
function doDeed(n: number): void {
  const line = chosenLine();
  if (line) deedsOf(line)[n]?.run();
}
function answerFirst(isYes: boolean): void {
  const question = firstQuestion();
  if (question) actions.answer(question, isYes);
}
export function openCommand(text = ""): void {
  ui.isCommandOpen = true;
  ui.commandText = text;
  ui.commandNote = "";
  ui.touch();
  queueMicrotask(() => document.querySelector<HTMLInputElement>("#command")?.focus());
}
export function escape(): void {
  if (ui.dialog) ui.dialog = null;
  else if (ui.isHelpOpen) ui.isHelpOpen = false;
  else if (ui.isIntakeOpen) ui.isIntakeOpen = false;
  else outcomes.splice(0);
  ui.touch();
}
export function confirmDialog(): void {
  const dialog = ui.dialog;
  if (!dialog || store.isStale()) return;
  const text = dialog.input?.value.trim() ?? "";
  if (dialog.input?.isNeeded && !text) return;
  dialog.run(text);
  ui.dialog = null;
  ui.touch();
}

export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = event.target as HTMLElement;
  const isField = target.matches("input, textarea, select");
  if (event.key === "Escape") {
    if (isField) target.blur();
    escape();
    return;
  }
  if (ui.dialog) {
    if (event.key === "Enter" && target.tagName !== "TEXTAREA" && target.tagName !== "BUTTON") {
      event.preventDefault();
      if (!event.repeat) confirmDialog();
    }
    return;
  }
  if (isField) return;
  if (event.key === "Enter" && target.matches("button, a")) return;
  if (event.repeat && !event.key.startsWith("Arrow")) return;
  const isModal = ui.isHelpOpen || ui.isIntakeOpen;
  const run = KEYS[event.key];
  if (!run || (isModal && event.key !== "?")) return;
  event.preventDefault();
  run();
}
