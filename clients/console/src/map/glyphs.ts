// SPDX-License-Identifier: Apache-2.0
// How things look on the map. Kind is the shape, state is colour and inner mark, age is hollow and faded.
import type { UnitItem } from "../model";

export type Group = "free" | "moving" | "scene" | "busy";
export interface Palette {
  free: string;
  moving: string;
  scene: string;
  busy: string;
  alarm: string;
  ink: string;
  halo: string;
  hand: string;
  closure: string;
}
const PALETTES: Record<"day" | "night", Palette> = {
  day: {
    free: "#1f7a4d",
    moving: "#1f5fbf",
    scene: "#7a3fb0",
    busy: "#6b7480",
    alarm: "#c8102e",
    ink: "#16202b",
    halo: "#ffffff",
    hand: "#d97706",
    closure: "#9a5b00",
  },
  night: {
    free: "#4cc38a",
    moving: "#6cb2ff",
    scene: "#c39bff",
    busy: "#8b97a5",
    alarm: "#ff5c62",
    ink: "#eef2f6",
    halo: "#10161d",
    hand: "#ffb224",
    closure: "#e0a145",
  },
};
export function palette(theme: "day" | "night"): Palette {
  return PALETTES[theme];
}

const GROUPS: Record<string, Group> = {
  available: "free",
  leaving: "free",
  dispatched: "moving",
  accepted: "moving",
  en_route: "moving",
  on_scene: "scene",
};
export function groupOf(unit: UnitItem): Group {
  return GROUPS[unit.state ?? "unknown"] ?? "busy";
}

type Draw = CanvasRenderingContext2D;
const SIDES: Record<string, number[]> = {
  fire_engine: [-1, -1, 1, -1, 1, 1, -1, 1],
  patrol: [0, -1.2, 1.1, 0.85, -1.1, 0.85],
  pump_truck: [-1, -0.6, 0, -1.15, 1, -0.6, 1, 0.7, 0, 1.15, -1, 0.7],
  rescue_team: [0, -1.25, 1.25, 0, 0, 1.25, -1.25, 0],
  ambulance: [
    -0.42, -1.15, 0.42, -1.15, 0.42, -0.42, 1.15, -0.42, 1.15, 0.42, 0.42, 0.42, 0.42, 1.15, -0.42, 1.15,
    -0.42, 0.42, -1.15, 0.42, -1.15, -0.42, -0.42, -0.42,
  ],
};
/** The outline of a unit's kind around (x, y). */
export function outline(draw: Draw, kind: string, x: number, y: number, r: number): void {
  const sides = SIDES[kind];
  draw.beginPath();
  if (!sides) {
    draw.arc(x, y, kind === "grid_team" ? r * 0.95 : r * 0.8, 0, 2 * Math.PI);
    return;
  }
  for (let i = 0; i < sides.length; i += 2) {
    const px = x + (sides[i] ?? 0) * r;
    const py = y + (sides[i + 1] ?? 0) * r;
    if (i === 0) draw.moveTo(px, py);
    else draw.lineTo(px, py);
  }
  draw.closePath();
}

const HEADING_UNKNOWN = 0xffff;
const SPEED_UNKNOWN = 0xffffffff;
export const STALE_US = 120e6;
export const OLD_US = 600e6;

export function drawUnit(
  draw: Draw,
  unit: UnitItem,
  x: number,
  y: number,
  r: number,
  nowUs: number,
  colours: Palette,
): void {
  const group = groupOf(unit);
  const ageUs = nowUs - (unit.position_at_us ?? 0);
  const colour = unit.alarm ? colours.alarm : colours[group];
  draw.globalAlpha = unit.alarm ? 1 : ageUs > OLD_US ? 0.45 : 1;
  const speed = unit.speed_cms ?? 0;
  const heading = unit.heading_deg ?? 0;
  if (speed > 50 && speed !== SPEED_UNKNOWN && heading !== HEADING_UNKNOWN && ageUs < STALE_US) {
    const angle = (heading * Math.PI) / 180;
    draw.beginPath();
    draw.moveTo(x + Math.sin(angle) * r, y - Math.cos(angle) * r);
    draw.lineTo(x + Math.sin(angle) * r * 2.1, y - Math.cos(angle) * r * 2.1);
    draw.lineWidth = 2;
    draw.strokeStyle = colour;
    draw.stroke();
  }
  outline(draw, unit.alarm ? "grid_team" : (unit.kind ?? "other"), x, y, unit.alarm ? r * 1.25 : r);
  draw.fillStyle = ageUs > STALE_US ? colours.halo : colour;
  draw.fill();
  draw.lineWidth = ageUs > STALE_US ? 1.8 : 1.2;
  draw.strokeStyle = ageUs > STALE_US ? colour : colours.halo;
  draw.stroke();
  if (group === "scene" && !unit.alarm) dot(draw, x, y, r * 0.38, ageUs > STALE_US ? colour : colours.halo);
  if (group === "moving" && !unit.alarm) bar(draw, x, y, r, ageUs > STALE_US ? colour : colours.halo);
  if (unit.is_doubtful) text(draw, "?", x + r + 3, y - r, colours);
  draw.globalAlpha = 1;
  if (unit.alarm) {
    draw.beginPath();
    draw.arc(x, y, r * 1.9, 0, 2 * Math.PI);
    draw.lineWidth = 3;
    draw.strokeStyle = colours.alarm;
    draw.stroke();
    draw.fillStyle = colours.halo;
    draw.font = `800 ${Math.round(r * 1.7)}px ${FONT}`;
    draw.textAlign = "center";
    draw.textBaseline = "middle";
    draw.fillText("!", x, y + 0.5);
  }
}
function dot(draw: Draw, x: number, y: number, r: number, colour: string): void {
  draw.beginPath();
  draw.arc(x, y, r, 0, 2 * Math.PI);
  draw.fillStyle = colour;
  draw.fill();
}
function bar(draw: Draw, x: number, y: number, r: number, colour: string): void {
  draw.fillStyle = colour;
  draw.fillRect(x - r * 0.5, y - r * 0.16, r, r * 0.34);
}
export const FONT = '"Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif';
export function text(
  draw: Draw,
  words: string,
  x: number,
  y: number,
  colours: Palette,
  size = 11,
  weight = 600,
): void {
  draw.font = `${weight} ${size}px ${FONT}`;
  draw.textAlign = "center";
  draw.textBaseline = "middle";
  draw.lineWidth = 3;
  draw.lineJoin = "round";
  draw.strokeStyle = colours.halo;
  draw.strokeText(words, x, y);
  draw.fillStyle = colours.ink;
  draw.fillText(words, x, y);
}
/** A sign with a word or letter in it: incident, alarm, case. */
export function drawSign(
  draw: Draw,
  shape: "incident" | "alarm" | "case",
  x: number,
  y: number,
  r: number,
  word: string,
  colour: string,
  colours: Palette,
): void {
  draw.beginPath();
  if (shape === "incident") {
    draw.moveTo(x, y - r * 1.25);
    draw.lineTo(x + r * 1.25, y);
    draw.lineTo(x, y + r * 1.25);
    draw.lineTo(x - r * 1.25, y);
  } else if (shape === "alarm") {
    draw.moveTo(x, y - r * 1.15);
    draw.lineTo(x + r * 1.15, y + r * 0.85);
    draw.lineTo(x - r * 1.15, y + r * 0.85);
  } else draw.rect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6);
  draw.closePath();
  draw.fillStyle = colour;
  draw.fill();
  draw.lineWidth = 2;
  draw.strokeStyle = colours.halo;
  draw.stroke();
  draw.font = `700 ${Math.round(r * (word.length > 2 ? 0.75 : 0.95))}px ${FONT}`;
  draw.textAlign = "center";
  draw.textBaseline = "middle";
  draw.fillStyle = colours.halo;
  draw.fillText(word, x, y + (shape === "alarm" ? r * 0.25 : 0.5));
}
