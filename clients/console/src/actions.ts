// SPDX-License-Identifier: Apache-2.0
// Everything a person can ask the system for: what is asked back first, what goes out.
import { age, travel } from "./format";
import { code, t } from "./i18n";
import type { UnitItem, WorldRecommended } from "./model";
import { alarmName, incidentName, placeOf, planName, recipientName, typeName, unitName } from "./names";
import { ask, say } from "./outcomes";
import { store } from "./store";
import { may, ui, type Dialog } from "./ui";

function open(dialog: Omit<Dialog, "seen">, command: string): void {
  if (!may(command)) return void say(t("command.not_allowed"));
  if (store.isStale()) return void say(t("command.stale"));
  ui.dialog = { ...dialog, seen: store.seq };
  ui.touch();
}
/** Asks for confirmation, then sends. */
function confirm(
  command: string,
  title: string,
  body: Record<string, unknown>,
  more: Partial<Dialog> & { field?: string } = {},
): void {
  open(
    {
      kind: command,
      title,
      lines: more.lines ?? [],
      confirm: more.confirm ?? t("act.confirm"),
      ...(more.input ? { input: more.input } : {}),
      ...(more.isDanger ? { isDanger: true } : {}),
      run: (text) => {
        const seen = ui.dialog?.seen ?? store.seq;
        void ask(command, more.field ? { ...body, [more.field]: text } : body, title, seen);
      },
    },
    command,
  );
}

export function recommended(incident: number): WorldRecommended[] {
  return store.find("recommendation", incident)?.lines ?? [];
}
/** Units picked to be sent: by the user, else as recommended; never those already on it. */
export function chosenUnits(incident: number): number[] {
  if (ui.chosen) return [...ui.chosen];
  const busy = unitsOn(incident);
  const picked = recommended(incident).filter((line) => line.is_chosen && !busy.has(line.unit ?? 0));
  return [...new Set(picked.map((line) => line.unit ?? 0))];
}
export function unitsOn(incident: number): Set<number> {
  const units = new Set<number>();
  for (const assignment of store.table("assignment").values()) {
    if (assignment.incident === incident && assignment.state !== "done") units.add(assignment.unit ?? 0);
  }
  return units;
}
export function toggleChosen(incident: number, unit: number): void {
  const chosen = new Set(chosenUnits(incident));
  if (!chosen.delete(unit)) chosen.add(unit);
  ui.chosen = chosen;
  ui.touch();
}

const OLD_POSITION_US = 120e6;
const FREE_STATES = new Set(["available", "leaving"]);

function doubtsAbout(unit: UnitItem, incident: number, line: WorldRecommended | undefined): Dialog["lines"] {
  const lines: Dialog["lines"] = [];
  const name = unitName(unit.id);
  const state = unit.state ?? "unknown";
  if (unitsOn(incident).has(unit.id))
    lines.push({ text: t("dialog.send_away", { unit: name }), mark: "bad" });
  if (!FREE_STATES.has(state)) {
    lines.push({
      text: t("dialog.send_busy", { unit: name, state: code("unit_state", state) }),
      mark: "warn",
    });
  }
  if (store.nowUs() - (unit.position_at_us ?? 0) > OLD_POSITION_US) {
    lines.push({ text: t("dialog.send_old", { unit: name, age: age(unit.position_at_us) }), mark: "warn" });
  }
  if (line?.doubt)
    lines.push({
      text: t("dialog.send_doubt", { unit: name, doubt: code("reason", line.doubt) }),
      mark: "warn",
    });
  return lines;
}

export function previewSend(incidentId: number, units = chosenUnits(incidentId)): void {
  const incident = store.find("incident", incidentId);
  if (!incident) return void say(t("command.no_incident"));
  if (!units.length) return void say(t("dialog.send_none"));
  const plan = store.find("recommendation", incidentId);
  const lineOf = (id: number): WorldRecommended | undefined => plan?.lines?.find((line) => line.unit === id);
  const list = units.map((id) => `${unitName(id)} ${travel(lineOf(id)?.seconds)}`).join(" · ");
  const lines: Dialog["lines"] = [
    { text: t("dialog.send_where", { number: incident.number ?? "", place: placeOf(incident) }) },
  ];
  for (const id of units) {
    const unit = store.find("unit", id);
    if (unit) lines.push(...doubtsAbout(unit, incidentId, lineOf(id)));
  }
  const uncovered = (plan?.uncovered ?? []).map((word) => code("capability", word)).join(" · ");
  if (uncovered) lines.push({ text: t("rec.uncovered", { list: uncovered }), mark: "warn" });
  confirm(
    "units.send",
    t("dialog.send", { n: units.length, list }),
    { incident: incidentId, units },
    {
      lines,
      confirm: t("act.send"),
    },
  );
  if (ui.dialog) {
    const run = ui.dialog.run;
    ui.dialog.run = (text) => {
      run(text);
      ui.chosen = null;
    };
  }
}

export function acknowledge(id: number): void {
  const alarm = store.find("alarm", id);
  if (alarm) void ask("alarm.acknowledge", { alarm: id }, `${t("act.ack")} ${alarmName(alarm)}`);
}
export function clearAlarm(id: number): void {
  const alarm = store.find("alarm", id);
  if (!alarm) return;
  confirm(
    "alarm.clear",
    t("dialog.clear", { alarm: alarmName(alarm) }),
    { alarm: id },
    {
      input: { label: t("dialog.why"), value: "", max: 48, isNeeded: true },
      field: "why",
      isDanger: true,
    },
  );
}
export function answer(id: number, isYes: boolean): void {
  const word = isYes ? "yes" : "no";
  void ask(
    "question.answer",
    { question: id, answer: word },
    `${t("queue.question")} ${t(`answer.${word}`)}`,
  );
}
export function note(incident: number, text?: string): void {
  const title = t("dialog.note", { number: incidentName(incident) });
  if (text) return void ask("incident.note", { incident, text }, title);
  confirm(
    "incident.note",
    title,
    { incident },
    {
      input: { label: t("dialog.note_text"), value: "", max: 1000, isNeeded: true },
      field: "text",
    },
  );
}
export function close(incident: number, text = ""): void {
  const unfinished = unitsOn(incident).size;
  confirm(
    "incident.close",
    t("dialog.close", { number: incidentName(incident) }),
    { incident },
    {
      input: { label: t("dialog.disposition"), value: text, max: 300, isNeeded: true },
      field: "disposition",
      isDanger: true,
      lines: unfinished ? [{ text: t("dialog.close_open", { n: unfinished }), mark: "warn" }] : [],
    },
  );
}
export function reopen(incident: number): void {
  confirm(
    "incident.reopen",
    t("dialog.reopen", { number: incidentName(incident) }),
    { incident },
    {
      input: { label: t("dialog.why"), value: "", max: 200, isNeeded: true },
      field: "why",
    },
  );
}
export function claim(incident: number): void {
  const release = store.find("incident", incident)?.claimed_by === store.hello?.user;
  const what = `${t(release ? "act.release" : "act.claim")} ${incidentName(incident)}`;
  void ask("incident.claim", release ? { incident, release } : { incident }, what);
}
export function merge(incident: number, into: number): void {
  confirm(
    "incident.merge",
    t("dialog.merge", { number: incidentName(incident), into: incidentName(into) }),
    { incident, into },
    {
      input: { label: t("dialog.why"), value: "", max: 200, isNeeded: false },
      field: "why",
    },
  );
}
export function unmerge(incident: number): void {
  confirm(
    "incident.unmerge",
    t("dialog.unmerge", { number: incidentName(incident) }),
    { incident },
    {
      input: { label: t("dialog.why"), value: "", max: 200, isNeeded: false },
      field: "why",
    },
  );
}
export function join(report: number, incident: number): void {
  void ask("report.join", { report, incident }, `${t("act.join")} ${incidentName(incident)}`);
}
export function leave(report: number, incident: number): void {
  confirm(
    "report.leave",
    t("dialog.leave", { number: incidentName(incident) }),
    { report },
    {
      input: { label: t("dialog.why"), value: "", max: 200, isNeeded: false },
      field: "why",
    },
  );
}
export function openFrom(reportId: number): void {
  const report = store.find("report", reportId);
  if (!report) return;
  const body = {
    report: reportId,
    type: report.type ?? "",
    title: (report.text ?? "").slice(0, 50),
    lon_e7: report.lon_e7 ?? 0,
    lat_e7: report.lat_e7 ?? 0,
  };
  if (report.type) return void ask("incident.open", body, t("act.open"));
  const choices = store
    .all("incident_type")
    .map((item): [string, string] => [item.code ?? "", typeName(item.code)]);
  confirm("incident.open", t("act.open"), body, {
    lines: [{ text: report.text ?? "" }],
    field: "type",
    input: { label: t("intake.type"), value: "", max: 32, isNeeded: true, choices },
  });
}
export function resend(id: number): void {
  const order = store.find("order", id);
  confirm("order.resend", t("dialog.resend", { number: order?.number ?? "" }), { order: id });
}
export function withdraw(id: number): void {
  const order = store.find("order", id);
  confirm("order.withdraw", t("dialog.withdraw", { number: order?.number ?? "" }), { order: id });
}
export function acceptByVoice(id: number): void {
  const order = store.find("order", id);
  const unit = recipientName(order?.recipient_kind, order?.recipient);
  confirm("order.record", t("dialog.voice", { unit, number: order?.number ?? "" }), {
    order: id,
    state: "accepted",
    how: "voice",
  });
}
export function startResponse(incident: number, level: string): void {
  const item = store.find("incident", incident);
  const text = level
    ? t("dialog.start_response", { level, number: incidentName(incident) })
    : t("dialog.end_response", { level: item?.response ?? "", number: incidentName(incident) });
  confirm("response.start", text, { incident, level });
}
export function recommend(incident: number): void {
  void ask("recommendation.ask", { incident }, `${t("act.recommend")} ${incidentName(incident)}`);
}
export function stopClock(id: number): void {
  const item = store.find("clock", id);
  if (item)
    void ask(
      "clock.stop",
      { incident: item.incident, name: item.name },
      `${t("act.stop_clock")} ${code("clock", item.name)}`,
    );
}
export function stopRun(id: number): void {
  confirm(
    "run.stop",
    t("dialog.stop_run", { plan: planName(store.find("run", id)?.plan) }),
    { run: id },
    {
      input: { label: t("dialog.why"), value: "", max: 200, isNeeded: true },
      field: "why",
      isDanger: true,
    },
  );
}
export function openRoad(closure: number): void {
  void ask("road.open", { closure }, t("act.road_open"));
}
export function setState(unit: UnitItem, state: string): void {
  const was = code("unit_state", unit.state ?? "unknown");
  confirm(
    "unit.set_state",
    t("dialog.status", { unit: unitName(unit.id), was, state: code("unit_state", state) }),
    { unit: unit.id, state },
  );
}
export function setGrade(incident: number, grade: string): void {
  void ask("incident.set_grade", { incident, grade }, `${incidentName(incident)} ${code("grade", grade)}`);
}
export function setStage(id: number, stage: string): void {
  const item = store.find("case", id);
  const title = t("dialog.stage", { number: item?.number ?? "", stage: code("stage", stage) });
  confirm(
    "case.set_stage",
    title,
    { case_id: id, stage },
    {
      input: { label: t("dialog.note_text"), value: "", max: 300, isNeeded: false },
      field: "note",
    },
  );
}
export function closeRoad(incidentId: number, radiusM: number, why: string): void {
  const incident = store.find("incident", incidentId);
  if (!incident?.lon_e7) return void say(t("incident.place_unknown"));
  const title = t("dialog.road", { n: radiusM, number: incident.number ?? "" });
  const body = { lon_e7: incident.lon_e7, lat_e7: incident.lat_e7, radius_m: radiusM, incident: incidentId };
  confirm("road.close", title, body, {
    input: { label: t("dialog.why"), value: why, max: 200, isNeeded: true },
    field: "why",
  });
}
export function startPlan(plan: string, incident: number): void {
  confirm("run.start", t("dialog.plan", { plan: planName(plan), number: incidentName(incident) }), {
    plan,
    incident,
  });
}
export function message(unit: UnitItem, incident: number, text: string): void {
  confirm(
    "order.send",
    t("dialog.message", { unit: unitName(unit.id) }),
    { incident, recipient_kind: "unit", recipient: unit.id, priority: "urgent" },
    {
      input: { label: t("dialog.note_text"), value: text, max: 600, isNeeded: true },
      field: "text",
      confirm: t("act.send"),
    },
  );
}
