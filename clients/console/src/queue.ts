// SPDX-License-Identifier: Apache-2.0
// What needs a person now, worked out from the tables: the most urgent first, then the oldest. A line
// that goes stays for a while among those that just left.
import { age } from "./format";
import { code, own, t } from "./i18n";
import type { OrderItem } from "./model";
import { alarmName, incidentName, incidentTitle, placeOf, planName, recipientName, typeName } from "./names";
import { store } from "./store";

export type QueueKind =
  | "alarm"
  | "question"
  | "report"
  | "proposal"
  | "order"
  | "clock"
  | "response"
  | "incident"
  | "source"
  | "run";

export interface QueueLine {
  key: string;
  kind: QueueKind;
  /** Table's id of what it is about. */
  id: number;
  incident: number;
  /** 0 now, 1 soon, 2 watch. */
  urgency: 0 | 1 | 2;
  sinceUs: number;
  dueUs: number;
  title: string;
  detail: string;
}
export interface LeftLine {
  line: QueueLine;
  atMs: number;
}

const UNACCEPTED_US = 60e6;
const CLOCK_SOON_US = 120e6;
const QUESTION_NOW_US = 60e6;
const LEFT_SHOWN_MS = 12000;
/** A message that belongs to no incident stops asking for attention after a shift. */
const LOOSE_ORDER_US = 12 * 3600e6;

export function buildQueue(): QueueLine[] {
  const nowUs = store.nowUs();
  const lines: QueueLine[] = [];
  addAlarms(lines);
  addQuestions(lines, nowUs);
  addReports(lines);
  addOrders(lines, nowUs);
  addIncidents(lines);
  addClocks(lines, nowUs);
  addFeeds(lines);
  return lines.sort(
    (a, b) =>
      a.urgency - b.urgency ||
      runsOut(b) - runsOut(a) ||
      (a.dueUs || a.sinceUs) - (b.dueUs || b.sinceUs) ||
      a.id - b.id,
  );
}

/** Lines that decide themselves when nobody does come before those that only wait. */
function runsOut(line: QueueLine): number {
  return line.dueUs ? 1 : 0;
}

function isOpen(incident: number | undefined): boolean {
  const item = store.find("incident", incident);
  return !!item && (item.state ?? "open") === "open";
}

function addAlarms(lines: QueueLine[]): void {
  for (const alarm of store.table("alarm").values()) {
    if (alarm.state === "cleared" || alarm.acknowledged_by) continue;
    const isNow = alarm.level === "danger" || alarm.kind === "emergency" || !!alarm.signs;
    lines.push({
      key: `alarm:${alarm.id}`,
      kind: "alarm",
      id: alarm.id,
      incident: alarm.incident ?? 0,
      urgency: isNow ? 0 : alarm.level === "warning" ? 1 : 2,
      sinceUs: alarm.raised_us ?? 0,
      dueUs: 0,
      title: alarmName(alarm),
      detail: [code("alarm_level", alarm.level), placeOf(alarm)].filter(Boolean).join(" · "),
    });
  }
}
function addQuestions(lines: QueueLine[], nowUs: number): void {
  for (const question of store.table("question").values()) {
    if (question.answer) continue;
    const isNow = !!question.due_us && question.due_us - nowUs < QUESTION_NOW_US;
    lines.push({
      key: `question:${question.id}`,
      kind: "question",
      id: question.id,
      incident: question.incident ?? 0,
      urgency: isNow ? 0 : 1,
      sinceUs: question.asked_us ?? 0,
      dueUs: question.due_us ?? 0,
      title: own(question.text_zh, question.text_en),
      detail: code("role", question.role),
    });
  }
}
function addReports(lines: QueueLine[]): void {
  for (const report of store.table("report").values()) {
    if (report.incident) continue;
    const isProposal = !!report.proposed;
    lines.push({
      key: `report:${report.id}`,
      kind: isProposal ? "proposal" : "report",
      id: report.id,
      incident: report.proposed ?? 0,
      urgency: isProposal ? 2 : 1,
      sinceUs: report.received_us ?? 0,
      dueUs: 0,
      title: report.text || typeName(report.type) || code("report_channel", report.channel),
      detail: isProposal
        ? t("queue.may_belong", { number: incidentName(report.proposed), score: report.score ?? 0 })
        : [t("queue.unassigned"), placeOf(report)].filter(Boolean).join(" · "),
    });
  }
}

/** Its clock for acceptance ran out. */
function isOverdue(order: number): boolean {
  for (const item of store.table("clock").values()) if (item.incident === order && item.ran_out) return true;
  return false;
}
/** Why an order needs a person, or nothing. */
export function orderTrouble(order: OrderItem, nowUs: number): string {
  const unit = recipientName(order.recipient_kind, order.recipient);
  const state = order.state ?? "queued";
  if (order.is_unknown) return t("queue.order_unknown", { unit });
  if (state === "failed" || state === "refused" || state === "expired") {
    return t("queue.order_bad", { unit, state: code("order_state", state) });
  }
  if (order.needs_person) return t("queue.order_person", { unit });
  const waits =
    state === "queued" ||
    state === "attempted" ||
    state === "sent" ||
    state === "delivered" ||
    state === "read";
  if (
    waits &&
    order.assignment &&
    (isOverdue(order.id) || nowUs - (order.queued_us ?? nowUs) > UNACCEPTED_US)
  ) {
    return t("queue.unaccepted", { unit, n: age(order.queued_us) });
  }
  return "";
}
function addOrders(lines: QueueLine[], nowUs: number): void {
  const newest = new Map<string, number>();
  const nameOfPair = (order: OrderItem): string =>
    `${order.incident ?? 0}/${order.recipient_kind ?? "unit"}/${order.recipient ?? 0}`;
  for (const order of store.table("order").values()) {
    const pair = nameOfPair(order);
    newest.set(pair, Math.max(newest.get(pair) ?? 0, order.id));
  }
  for (const order of store.table("order").values()) {
    if (order.incident ? !isOpen(order.incident) : nowUs - (order.queued_us ?? 0) > LOOSE_ORDER_US) continue;
    if ((newest.get(nameOfPair(order)) ?? 0) > order.id) continue;
    const trouble = orderTrouble(order, nowUs);
    if (!trouble) continue;
    const isBad =
      order.is_unknown || order.state === "failed" || order.state === "refused" || order.needs_person;
    lines.push({
      key: `order:${order.id}`,
      kind: "order",
      id: order.id,
      incident: order.incident ?? 0,
      urgency: isBad ? 0 : 1,
      sinceUs: order.queued_us ?? 0,
      dueUs: 0,
      title: trouble,
      detail: [order.number, code("why", order.why)].filter(Boolean).join(" · "),
    });
  }
}

function addIncidents(lines: QueueLine[]): void {
  const attended = new Set<number>();
  for (const assignment of store.table("assignment").values()) {
    if (assignment.state !== "done" && assignment.incident) attended.add(assignment.incident);
  }
  for (const incident of store.table("incident").values()) {
    if (!isOpen(incident.id)) continue;
    const base = { id: incident.id, incident: incident.id, sinceUs: incident.opened_us ?? 0, dueUs: 0 };
    if (incident.response_proposed && incident.response_proposed !== incident.response) {
      lines.push({
        ...base,
        key: `response:${incident.id}`,
        kind: "response",
        urgency: store.hello?.role === "duty_leader" ? 0 : 1,
        title: t("queue.start_response", { level: incident.response_proposed }),
        detail: incidentTitle(incident),
      });
    }
    if (!attended.has(incident.id) && !incident.claimed_by) {
      lines.push({
        ...base,
        key: `incident:${incident.id}`,
        kind: "incident",
        urgency: 1,
        title: incidentTitle(incident),
        detail: [t("queue.nobody"), placeOf(incident)].filter(Boolean).join(" · "),
      });
    }
  }
}
function addClocks(lines: QueueLine[], nowUs: number): void {
  for (const item of store.table("clock").values()) {
    // An order that is not accepted stands in the queue by itself.
    if (store.find("order", item.incident)) continue;
    const isOver = !!item.ran_out || (item.due_us ?? 0) < nowUs;
    if (!isOver && (item.due_us ?? 0) - nowUs > CLOCK_SOON_US) continue;
    if (item.incident && store.find("incident", item.incident) && !isOpen(item.incident)) continue;
    lines.push({
      key: `clock:${item.id}`,
      kind: "clock",
      id: item.id,
      incident: item.incident ?? 0,
      urgency: isOver ? 0 : 2,
      sinceUs: item.due_us ?? 0,
      dueUs: item.due_us ?? 0,
      title: t(isOver ? "queue.ran_out" : "queue.running_out", { name: code("clock", item.name) }),
      detail: "",
    });
  }
}
function addFeeds(lines: QueueLine[]): void {
  for (const source of store.sourceList()) {
    if (source.is_up && !source.is_silent) continue;
    lines.push({
      key: `source:${source.id}`,
      kind: "source",
      id: source.id,
      incident: 0,
      urgency: 2,
      sinceUs: source.is_silent ? (source.heard_us ?? 0) : (source.since_us ?? 0),
      dueUs: 0,
      title: t("queue.source_bad", {
        name: source.name ?? "",
        state: t(source.is_up ? "top.source_silent" : "top.source_down"),
      }),
      detail: code("why", source.why),
    });
  }
  for (const run of store.table("run").values()) {
    if (!run.is_ended || !run.outcome || run.outcome === "finished" || !isOpen(run.incident)) continue;
    lines.push({
      key: `run:${run.id}`,
      kind: "run",
      id: run.id,
      incident: run.incident ?? 0,
      urgency: 1,
      sinceUs: run.ended_us ?? 0,
      dueUs: 0,
      title: t("queue.run_ended", { plan: planName(run.plan), outcome: code("run_outcome", run.outcome) }),
      detail: run.why ?? "",
    });
  }
}

let before: QueueLine[] = [];
let left: LeftLine[] = [];

/** The queue now, and what left it just before. */
export function currentQueue(): { lines: QueueLine[]; left: LeftLine[] } {
  const lines = buildQueue();
  const keys = new Set(lines.map((line) => line.key));
  const nowMs = Date.now();
  for (const line of before) {
    if (!keys.has(line.key)) left.unshift({ line, atMs: nowMs });
  }
  before = lines;
  left = left.filter((gone) => nowMs - gone.atMs < LEFT_SHOWN_MS && !keys.has(gone.line.key)).slice(0, 6);
  return { lines, left };
}
