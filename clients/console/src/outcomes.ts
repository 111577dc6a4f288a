// SPDX-License-Identifier: Apache-2.0
// Commands on their way and what came of them, kept on the screen.
import { connection } from "./connection";
import { code, t } from "./i18n";
import type { Result } from "./protocol";
import { store } from "./store";
import { may, ui } from "./ui";

export interface Outcome {
  key: number;
  what: string;
  state: "waiting" | "ok" | "refused";
  text: string;
  /** Units whose orders are told one by one. */
  units: number[];
  incident: number;
  seq: number;
  atMs: number;
}
export const outcomes: Outcome[] = [];
let outcomeCount = 0;

/** Sends a command and keeps its outcome on the screen. */
export async function ask(
  name: string,
  body: Record<string, unknown>,
  what: string,
  seen = store.seq,
): Promise<Result | null> {
  if (!may(name)) return say(t("command.not_allowed"));
  if (store.isStale()) return say(t("command.stale"));
  const outcome: Outcome = {
    key: ++outcomeCount,
    what,
    state: "waiting",
    text: t("result.waiting", { what }),
    units: name === "units.send" ? (body["units"] as number[]) : [],
    incident: (body["incident"] as number | undefined) ?? 0,
    seq: 0,
    atMs: Date.now(),
  };
  outcomes.unshift(outcome);
  outcomes.splice(6);
  ui.touch();
  const result = await connection.send(name, body, seen);
  outcome.atMs = Date.now();
  outcome.state = result.ok ? "ok" : "refused";
  outcome.seq = result.seq ?? 0;
  if (result.ok) outcome.text = t("result.ok", { what, seq: outcome.seq });
  else {
    const isStale = result.why === "stale";
    const why = code("refused", result.why);
    outcome.text = isStale ? t("result.stale", { what }) : t("result.refused", { what, why });
    const by = result.stale_seq ? ` #${result.stale_seq}` : "";
    if (result.detail || by) outcome.text += `（${result.detail ?? ""}${by}）`;
  }
  ui.touch();
  return result;
}
/** A short word to the user that needs no answer. */
export function say(text: string): null {
  outcomes.unshift({
    key: ++outcomeCount,
    what: "",
    state: "refused",
    text,
    units: [],
    incident: 0,
    seq: 0,
    atMs: Date.now(),
  });
  outcomes.splice(6);
  ui.touch();
  return null;
}
export function dismiss(key: number): void {
  const at = outcomes.findIndex((outcome) => outcome.key === key);
  if (at >= 0) outcomes.splice(at, 1);
  ui.touch();
}
