// SPDX-License-Identifier: Apache-2.0
// The command line: exact words only, completed by Tab. What it cannot name exactly it refuses.
import * as actions from "./actions";
import { code, t } from "./i18n";
import { ENUMS } from "./model";
import { currentQueue } from "./queue";
import { store } from "./store";
import { may, ui, type Tab } from "./ui";

interface Word {
  name: string;
  usage: string;
  complete: (typed: string[]) => string[];
  /** A sentence when it cannot be done. */
  run: (words: string[], rest: string) => string | void;
}

const callSigns = (): string[] =>
  store
    .all("unit")
    .map((unit) => unit.call_sign ?? "")
    .filter(Boolean)
    .sort();
const openNumbers = (): string[] =>
  store
    .all("incident")
    .filter((incident) => incident.state !== "closed")
    .map((incident) => incident.number ?? "");
const unitBySign = (sign: string): number => {
  const wanted = sign.toLowerCase();
  return store.all("unit").find((unit) => unit.call_sign?.toLowerCase() === wanted)?.id ?? 0;
};
const livePlans = (): string[] =>
  store
    .all("plan")
    .filter((plan) => plan.is_live)
    .map((plan) => plan.plan ?? "");
/** By the whole number, or by its last part when only one fits. */
const incidentByNumber = (text: string): number => {
  const exact = store.all("incident").find((incident) => incident.number === text);
  if (exact) return exact.id;
  const ending = store
    .all("incident")
    .filter((incident) => text.length > 1 && incident.number?.endsWith(`-${text}`));
  return ending.length === 1 ? (ending[0]?.id ?? 0) : 0;
};
const inHand = (): string | void => (ui.incident ? undefined : t("command.no_incident"));
/** A state by its code or by its word in either language. */
const stateByWord = (word: string): string =>
  ENUMS.unit_state.find((state) => state === word || code("unit_state", state) === word) ?? "";

function sendUnits(words: string[]): string | void {
  if (!ui.incident) return t("command.no_incident");
  if (!words.length) return void actions.previewSend(ui.incident);
  const units: number[] = [];
  for (const word of words) {
    const unit = unitBySign(word);
    if (!unit) return t("command.no_unit", { word });
    if (!units.includes(unit)) units.push(unit);
  }
  actions.previewSend(ui.incident, units);
}
function goTo(words: string[]): string | void {
  const word = words[0] ?? "";
  const incident = incidentByNumber(word);
  if (incident) return ui.openIncident(incident);
  const unit = store.find("unit", unitBySign(word));
  if (unit) {
    ui.unit = unit.id;
    ui.tab = "units";
    if (unit.lon_e7) ui.goTo?.(unit.lon_e7, unit.lat_e7 ?? 0);
    return ui.touch();
  }
  const cityCase = store.all("case").find((item) => item.number === word);
  if (cityCase?.lon_e7) {
    if (cityCase.incident) ui.openIncident(cityCase.incident);
    return ui.goTo?.(cityCase.lon_e7, cityCase.lat_e7 ?? 0);
  }
  return t("command.not_found", { word });
}
function answerQuestion(words: string[]): string | void {
  const isYes = words[0] === "y" || words[0] === "yes";
  if (!isYes && words[0] !== "n" && words[0] !== "no")
    return t("command.not_found", { word: words[0] ?? "" });
  const question = firstQuestion();
  if (!question) return t("command.no_question");
  actions.answer(question, isYes);
}
/** The question the keys answer: the queue's chosen one, else the one of the incident in hand, else the next due. */
export function firstQuestion(): number {
  const lines = currentQueue().lines.filter((line) => line.kind === "question");
  const line =
    lines.find((item) => item.key === ui.queueKey) ??
    lines.find((item) => item.incident === ui.incident) ??
    lines[0];
  return line?.id ?? 0;
}
export function firstAlarm(): number {
  const lines = currentQueue().lines.filter((line) => line.kind === "alarm");
  const line =
    lines.find((item) => item.key === ui.queueKey) ??
    lines.find((item) => ui.incident && item.incident === ui.incident) ??
    lines[0];
  return line?.id ?? 0;
}

export const WORDS: Word[] = [
  { name: "send", usage: "send [P12 P07 …]", complete: callSigns, run: sendUnits },
  {
    name: "ack",
    usage: "ack",
    complete: () => [],
    run: () => {
      const alarm = firstAlarm();
      if (!alarm) return t("command.no_alarm");
      actions.acknowledge(alarm);
    },
  },
  { name: "answer", usage: "answer y|n", complete: () => ["y", "n"], run: answerQuestion },
  {
    name: "note",
    usage: "note TEXT",
    complete: () => [],
    run: (_, rest) => inHand() ?? actions.note(ui.incident, rest),
  },
  {
    name: "close",
    usage: "close TEXT",
    complete: () => [],
    run: (_, rest) => inHand() ?? actions.close(ui.incident, rest),
  },
  {
    name: "goto",
    usage: "goto 0042 | P12",
    complete: () => [...openNumbers(), ...callSigns()],
    run: goTo,
  },
  {
    name: "status",
    usage: "status P12 on_scene",
    complete: (typed) => (typed.length < 2 ? callSigns() : [...ENUMS.unit_state]),
    run: (words) => {
      const unit = store.find("unit", unitBySign(words[0] ?? ""));
      if (!unit) return t("command.no_unit", { word: words[0] ?? "" });
      const state = stateByWord(words[1] ?? "");
      if (!state) return t("command.no_state", { word: words[1] ?? "" });
      actions.setState(unit, state);
    },
  },
  {
    name: "merge",
    usage: "merge 0042",
    complete: openNumbers,
    run: (words) => {
      if (!ui.incident) return t("command.no_incident");
      const into = incidentByNumber(words[0] ?? "");
      if (!into || into === ui.incident) return t("command.not_found", { word: words[0] ?? "" });
      actions.merge(ui.incident, into);
    },
  },
  {
    name: "grade",
    usage: "grade i|ii|iii|iv",
    complete: () => ["i", "ii", "iii", "iv"],
    run: (words) => {
      if (!ui.incident) return t("command.no_incident");
      const grade = ENUMS.grade.find((item) => item === words[0]);
      if (!grade) return t("command.not_found", { word: words[0] ?? "" });
      actions.setGrade(ui.incident, grade);
    },
  },
  {
    name: "msg",
    usage: "msg P12 TEXT",
    complete: (typed) => (typed.length < 2 ? callSigns() : []),
    run: (words, rest) => {
      const unit = store.find("unit", unitBySign(words[0] ?? ""));
      if (!unit) return t("command.no_unit", { word: words[0] ?? "" });
      actions.message(unit, ui.incident, rest.slice(words[0]?.length ?? 0).trim());
    },
  },
  {
    name: "road",
    usage: "road 300 TEXT",
    complete: () => [],
    run: (words, rest) => {
      if (!ui.incident) return t("command.no_incident");
      if (!/^\d{1,5}$/.test(words[0] ?? "")) return t("command.not_found", { word: words[0] ?? "" });
      actions.closeRoad(ui.incident, Number(words[0]), rest.slice(words[0]?.length ?? 0).trim());
    },
  },
  {
    name: "plan",
    usage: "plan waterlogging",
    complete: livePlans,
    run: (words) => {
      if (!ui.incident) return t("command.no_incident");
      if (!livePlans().includes(words[0] ?? "")) return t("command.not_found", { word: words[0] ?? "" });
      actions.startPlan(words[0] ?? "", ui.incident);
    },
  },
  { name: "claim", usage: "claim", complete: () => [], run: () => inHand() ?? actions.claim(ui.incident) },
  {
    name: "recommend",
    usage: "recommend",
    complete: () => [],
    run: () => inHand() ?? actions.recommend(ui.incident),
  },
  {
    name: "report",
    usage: "report",
    complete: () => [],
    run: () => {
      if (!may("report.create")) return t("command.not_allowed");
      ui.isIntakeOpen = true;
      ui.touch();
    },
  },
  { name: "units", usage: "units", complete: () => [], run: () => showTab("units") },
  { name: "incidents", usage: "incidents", complete: () => [], run: () => showTab("incidents") },
  { name: "cases", usage: "cases", complete: () => [], run: () => showTab("cases") },
  { name: "log", usage: "log", complete: () => [], run: () => showTab("log") },
];

function showTab(tab: Tab): void {
  ui.tab = tab;
  ui.touch();
}

/** What the word under the cursor can become. */
export function completions(text: string): string[] {
  const words = text.split(/\s+/);
  const last = words[words.length - 1] ?? "";
  if (words.length === 1) return WORDS.map((word) => word.name).filter((name) => name.startsWith(last));
  const word = WORDS.find((item) => item.name === words[0]);
  if (!word) return [];
  const wanted = last.toLowerCase();
  const found = word.complete(words.slice(1)).filter((item) => item.toLowerCase().startsWith(wanted));
  const ending = word
    .complete(words.slice(1))
    .filter((item) => wanted.length > 1 && item.endsWith(`-${wanted}`));
  return [...new Set([...found, ...ending])].slice(0, 12);
}
/** The text after Tab: as far as all completions agree. */
export function complete(text: string): string {
  const found = completions(text);
  if (!found.length) return text;
  const head = text.slice(0, text.length - (/\S*$/.exec(text)?.[0].length ?? 0));
  let common = found[0] ?? "";
  for (const item of found) {
    while (!item.toLowerCase().startsWith(common.toLowerCase())) common = common.slice(0, -1);
  }
  return head + common + (found.length === 1 ? " " : "");
}
/** Runs the line; a sentence when it cannot be done. */
export function execute(text: string): string {
  const [name = "", ...words] = text.trim().split(/\s+/);
  const word = WORDS.find((item) => item.name === name);
  if (!word) return t("command.unknown", { word: name });
  const rest = text.trim().slice(name.length).trim();
  return word.run(words, rest) ?? "";
}
