// SPDX-License-Identifier: Apache-2.0
// Sounds by priority: a danger rings three times, anything else once. Muting ends by itself.
import type { QueueLine } from "./queue";
import { ui } from "./ui";

const MUTE_MS = 5 * 60 * 1000;
let context: AudioContext | null = null;
const known = new Set<string>();
let isFirst = true;

/** Browsers allow sound only after a gesture; called on every one until it works. */
export function allowSound(): void {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}
/** The browser still waits for a key or a click. */
export function isBlocked(): boolean {
  return context?.state !== "running";
}
export function toggleMute(): void {
  ui.mutedUntilMs = isMuted() ? 0 : Date.now() + MUTE_MS;
  ui.touch();
}
export function isMuted(): boolean {
  return ui.mutedUntilMs > Date.now();
}
/** Minutes and seconds of silence left. */
export function muteLeft(): string {
  const seconds = Math.ceil((ui.mutedUntilMs - Date.now()) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Rings for lines that were not in the queue before. */
export function ring(lines: QueueLine[]): void {
  let urgency = 9;
  for (const line of lines) {
    const key = `${line.key}/${line.urgency}`;
    if (!known.has(key)) urgency = Math.min(urgency, line.urgency);
    known.add(key);
  }
  const wasFirst = isFirst;
  isFirst = false;
  if (wasFirst || urgency > 1 || isMuted() || !context || context.state !== "running") return;
  const tones = urgency === 0 ? [880, 660, 880] : [520];
  tones.forEach((hertz, i) => beep(hertz, i * 0.24));
}
function beep(hertz: number, afterS: number): void {
  if (!context) return;
  const tone = context.createOscillator();
  const gain = context.createGain();
  const at = context.currentTime + afterS;
  tone.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.25, at + 0.02);
  gain.gain.linearRampToValueAtTime(0, at + 0.2);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.22);
}
