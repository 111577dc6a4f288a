// SPDX-License-Identifier: Apache-2.0
// Numbers and times for people. The district's clock is Asia/Shanghai, wherever the browser stands.
import { t } from "./i18n";
import { store } from "./store";

const clockFormat = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Asia/Shanghai",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const dateFormat = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "Asia/Shanghai",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});

/** 14:03:59; nothing for an absent time. */
export function clock(us: number | undefined): string {
  return us ? clockFormat.format(us / 1000) : "";
}
/** 2026-11-21 */
export function date(us: number): string {
  return dateFormat.format(us / 1000);
}
/** With the day when it is not today. */
export function when(us: number | undefined): string {
  if (!us) return "";
  const day = date(us);
  return day === date(store.nowUs()) ? clock(us) : `${day.slice(5)} ${clock(us)}`;
}
export function duration(us: number): string {
  const seconds = Math.max(0, Math.floor(us / 1e6));
  if (seconds < 100) return t("time.sec", { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return t("time.min", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return t("time.hours", { h: hours, m: minutes % 60 });
  return t("time.days", { d: Math.floor(hours / 24), h: hours % 24 });
}
export function age(sinceUs: number | undefined): string {
  return sinceUs ? duration(store.nowUs() - sinceUs) : t("time.never");
}
/** 2:05 until then; minus when it is over. */
export function countdown(dueUs: number): string {
  const seconds = Math.round((dueUs - store.nowUs()) / 1e6);
  const rest = Math.abs(seconds);
  const minutes = Math.floor(rest / 60);
  const text = `${minutes}:${String(rest % 60).padStart(2, "0")}`;
  if (minutes >= 60) return (seconds < 0 ? "−" : "") + duration(rest * 1e6);
  return seconds < 0 ? `−${text}` : text;
}
/** What the hub writes for a figure nobody knows. */
const UNKNOWN = 0xffffffff;
export function travel(seconds: number | undefined): string {
  if (!seconds || seconds === UNKNOWN) return "–";
  return seconds < 60 ? t("time.sec", { n: seconds }) : t("time.minutes", { n: Math.round(seconds / 60) });
}
export function way(metres: number | undefined): string {
  if (!metres || metres === UNKNOWN) return "–";
  return metres < 1000 ? `${metres} m` : `${(metres / 1000).toFixed(1)} km`;
}
export function micro(value: number | undefined): string {
  return String(Math.round((value ?? 0) / 1000) / 1000);
}
export function metresBetween(lonA: number, latA: number, lonB: number, latB: number): number {
  const k = Math.PI / 180 / 1e7;
  const x = (lonB - lonA) * k * Math.cos(((latA + latB) / 2) * k);
  const y = (latB - latA) * k;
  return Math.hypot(x, y) * 6371000;
}
