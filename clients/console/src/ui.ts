// SPDX-License-Identifier: Apache-2.0
// What this screen shows at the moment: nothing here is known to the hub.
import type { Role } from "./model";
import { COMMANDS } from "./model";
import { store } from "./store";

export type Lang = "zh" | "en";
export type Theme = "day" | "night";
export const TABS = ["log", "incidents", "cases", "units"] as const;
export type Tab = (typeof TABS)[number];

export interface Dialog {
  kind: string;
  /** What was on the screen when it opened; goes out as `seen`. */
  seen: number;
  title: string;
  lines: { text: string; mark?: "warn" | "bad" }[];
  /** A field to fill in, if any. */
  input?: { label: string; value: string; max: number; isNeeded: boolean; choices?: [string, string][] };
  confirm: string;
  isDanger?: boolean;
  run: (text: string) => void;
}

class Ui {
  lang: Lang = load("lang", navigator.language.startsWith("zh") ? "zh" : "en") as Lang;
  theme: Theme = load("theme", "night") as Theme;
  tab: Tab = "log";
  /** Incident in hand. */
  incident = 0;
  /** Queue row that has the cursor. */
  queueKey = "";
  /** Units picked for the incident in hand; null: those the recommendation proposes. */
  chosen: Set<number> | null = null;
  unit = 0;
  logAll = true;
  unitFilter = "";
  commandText = "";
  commandNote = "";
  isCommandOpen = false;
  dialog: Dialog | null = null;
  isHelpOpen = false;
  isIntakeOpen = false;
  isLegendOpen = window.innerWidth > 1600;
  mutedUntilMs = 0;
  /** Asked when an incident comes into hand: its older facts. */
  loadFacts: (subject: number) => void = () => undefined;
  /** Where the map is asked to go. */
  goTo: ((lonE7: number, latE7: number) => void) | null = null;
  private listener: () => void = () => undefined;

  onChange(listener: () => void): void {
    this.listener = listener;
  }
  touch(): void {
    this.listener();
  }
  setLang(lang: Lang): void {
    this.lang = lang;
    keep("lang", lang);
    this.touch();
  }
  setTheme(theme: Theme): void {
    this.theme = theme;
    keep("theme", theme);
    document.documentElement.dataset["theme"] = theme;
    this.touch();
  }
  openIncident(id: number): void {
    if (this.incident !== id) {
      this.chosen = null;
      this.loadFacts(id);
    }
    this.incident = id;
    const incident = store.find("incident", id);
    if (incident?.lon_e7) this.goTo?.(incident.lon_e7, incident.lat_e7 ?? 0);
    this.touch();
  }
}

const RANK: Partial<Record<Role, number>> = { officer: 1, supervisor: 2, duty_leader: 3 };

/** May this user ask for it? The hub has the last word. */
export function may(command: string): boolean {
  const role = store.hello?.role ?? "none";
  const least = COMMANDS[command]?.role ?? "none";
  if (role === least) return true;
  return (RANK[role] ?? 0) >= (RANK[least] ?? 99);
}
/** May act at all, and on data that is fresh. */
export function canAct(command: string): boolean {
  return may(command) && !store.isStale();
}

export function load(name: string, otherwise: string): string {
  try {
    return localStorage.getItem(`tocsin.${name}`) ?? otherwise;
  } catch {
    return otherwise;
  }
}
export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`tocsin.${name}`, value);
  } catch {
    // Kept for this page only.
  }
}

export const ui = new Ui();
