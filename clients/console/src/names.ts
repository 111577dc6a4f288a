// SPDX-License-Identifier: Apache-2.0
// What things are called: items by their id, and facts as sentences.
import { clock, duration, micro, when } from "./format";
import { code, fill, own, t } from "./i18n";
import { ENUMS, EVENT_FIELDS } from "./model";
import type { AlarmItem, IncidentItem } from "./model";
import type { Fact } from "./protocol";
import { store } from "./store";

export function unitName(id: number | undefined): string {
  const unit = store.find("unit", id);
  return unit?.call_sign || own(unit?.name_zh, unit?.name_en) || (id ? `#${id}` : "");
}
export function incidentName(id: number | undefined): string {
  return store.find("incident", id)?.number || (id ? `#${id}` : "");
}
export function typeName(type: string | undefined): string {
  if (!type) return "";
  for (const item of store.table("incident_type").values()) {
    if (item.code === type) return own(item.name_zh, item.name_en);
  }
  return type.replaceAll("_", " ");
}
export function incidentTitle(incident: IncidentItem): string {
  return incident.title || typeName(incident.type) || incidentName(incident.id);
}
export function placeOf(item: { place_zh?: string; place_en?: string; address?: string }): string {
  return own(item.place_zh, item.place_en) || item.address || "";
}
export function alarmName(alarm: AlarmItem): string {
  const sensor = store.find("sensor", alarm.sensor);
  const who = sensor ? own(sensor.name_zh, sensor.name_en) : unitName(alarm.unit) || alarm.address || "";
  const parts = [code("alarm_kind", alarm.kind), who].filter(Boolean);
  return parts.join(" · ");
}
function triggerWords(trigger: { on?: string; above?: string; seconds?: number }): string {
  if (trigger.on === "after") return t("wait.after", { n: duration((trigger.seconds ?? 0) * 1e6) });
  if (trigger.on === "reading") return t("wait.reading", { level: code("alarm_level", trigger.above) });
  return trigger.on === "alarm_cleared" ? t("wait.alarm_cleared") : t("wait.other");
}
/** What a plan run waits for, out of "call {arguments}"; long arguments come cut off. */
export function waitWords(text: string): string {
  const at = text.indexOf(" ");
  const call = at < 0 ? text : text.slice(0, at);
  if (call === "ask") return t("wait.ask");
  if (call === "dispatch") return t("wait.dispatch");
  if (call !== "await") return t("wait.other");
  try {
    const { triggers } = JSON.parse(text.slice(at + 1)) as { triggers?: Parameters<typeof triggerWords>[0][] };
    return (triggers ?? []).map(triggerWords).join(t("wait.or"));
  } catch {
    return t("wait.other");
  }
}
export function recipientName(kind: string | undefined, id: number | undefined): string {
  if (!kind || kind === "unit") return unitName(id);
  const recipient = store.find("recipient", id);
  return own(recipient?.name_zh, recipient?.name_en) || (id ? `#${id}` : "");
}
export function planName(plan: string | undefined): string {
  let found = plan ?? "";
  for (const item of store.table("plan").values()) {
    if (item.plan === plan) found = own(item.title_zh, item.title_en) || found;
  }
  return found;
}
export function codes(group: string, list: string[] | undefined): string {
  return (list ?? []).map((value) => code(group, value)).join(t("app.list"));
}

/** Whatever has this id, by its short name. */
export function nameOf(id: number): string {
  if (!id) return "";
  const incident = store.find("incident", id);
  if (incident) return incident.number ?? `#${id}`;
  const order = store.find("order", id);
  if (order) return `${order.number ?? `#${id}`}（${recipientName(order.recipient_kind, order.recipient)}）`;
  if (store.find("unit", id)) return unitName(id);
  const alarm = store.find("alarm", id);
  if (alarm) return alarmName(alarm);
  const source = store.find("source", id);
  if (source) return source.name ?? `#${id}`;
  const run = store.find("run", id);
  if (run) return planName(run.plan);
  const question = store.find("question", id);
  if (question) return own(question.text_zh, question.text_en);
  const assignment = store.find("assignment", id);
  if (assignment) return `${unitName(assignment.unit)} / ${incidentName(assignment.incident)}`;
  const cityCase = store.find("case", id);
  if (cityCase) return cityCase.number ?? `#${id}`;
  const sensor = store.find("sensor", id);
  if (sensor) return own(sensor.name_zh, sensor.name_en);
  const report = store.find("report", id);
  if (report) return report.text?.slice(0, 24) ?? `#${id}`;
  const recipient = store.find("recipient", id);
  if (recipient) return own(recipient.name_zh, recipient.name_en);
  return `#${id}`;
}

/** Group of texts for a field that holds a code. */
function groupOf(kind: string, field: string): string {
  if (field === "reasons" || field === "reason" || field === "doubt") return "reason";
  if (field === "capability") return "capability";
  if (field === "why")
    return kind === "command.refused" ? "refused" : kind === "recommendation.asked" ? "reason" : "why";
  if (kind === "alarm.raised" && field === "kind") return "alarm_kind";
  if (kind === "report.received" && field === "channel") return "report_channel";
  if (kind.startsWith("clock.") && field === "name") return "clock";
  if (kind.startsWith("command.") && field === "name") return "command_name";
  if (field === "answer" || field === "default_answer") return "answer";
  return "";
}
function valueText(kind: string, field: string, type: string, value: unknown): string {
  if (type in ENUMS) {
    const first = ENUMS[type as keyof typeof ENUMS][0];
    return code(type, (value as string | undefined) ?? first);
  }
  if (field === "is_repeat") return value ? t("order.repeat") : "";
  if (value === undefined || value === null) return "";
  if (field === "delta_us") return duration(Math.abs(value as number));
  if (field.endsWith("_us")) return clock(value as number);
  if (field.endsWith("_e6")) return micro(value as number);
  if (type === "id") return nameOf(value as number);
  const group = groupOf(kind, field);
  if (Array.isArray(value)) return group ? codes(group, value as string[]) : value.join(", ");
  if (kind.startsWith("incident.") || kind === "report.received") {
    if (field === "type" || (field === "was" && kind === "incident.type_changed"))
      return typeName(value as string);
  }
  if (field === "plan") return planName(value as string);
  return group ? code(group, String(value)) : String(value);
}

/** A fact in words. */
export function sentence(fact: Fact): string {
  const body = fact.body ?? {};
  const fields = EVENT_FIELDS[fact.kind];
  const template = t(`event.${fact.kind}`);
  if (!fields) return `${fact.kind} ${JSON.stringify(body)}`;
  const values: Record<string, string> = { subject: nameOf(fact.subject ?? 0) };
  for (const [field, type] of Object.entries(fields)) {
    values[field] = valueText(fact.kind, field, type, body[field]);
  }
  values["place"] = own(body["place_zh"] as string, body["place_en"] as string);
  values["question"] = own(body["text_zh"] as string, body["text_en"] as string);
  if (body["text_en"]) values["text"] = own(body["text"] as string, body["text_en"] as string);
  if (fact.kind === "order.created") {
    values["recipient"] = recipientName(body["recipient_kind"] as string, body["recipient"] as number);
  }
  return fill(template, values);
}
/** The incident a fact belongs to, or 0. */
export function incidentOf(fact: Fact): number {
  const body = fact.body ?? {};
  if (typeof body["incident"] === "number" && body["incident"]) return body["incident"];
  const id = fact.subject || fact.seq;
  if (store.find("incident", id)) return id;
  return (
    store.find("order", id)?.incident ||
    store.find("assignment", id)?.incident ||
    store.find("question", id)?.incident ||
    store.find("run", id)?.incident ||
    store.find("report", id)?.incident ||
    store.find("alarm", id)?.incident ||
    store.find("case", id)?.incident ||
    store.find("closure", id)?.incident ||
    0
  );
}
export { when };
