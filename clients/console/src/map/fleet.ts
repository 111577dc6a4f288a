// SPDX-License-Identifier: Apache-2.0
// Everything that moves or rings, on one canvas of our own: it repaints alone, the base map stays.
import Layer from "ol/layer/Layer";
import type { FrameState } from "ol/Map";
import { apply as transform } from "ol/transform";
import { t } from "../i18n";
import type { UnitItem } from "../model";
import { incidentTitle } from "../names";
import { store } from "../store";
import { ui } from "../ui";
import { drawSign, drawUnit, palette, text, type Palette } from "./glyphs";

const RADIUS_M = 6378137;
export function toMap(lonE7: number, latE7: number): [number, number] {
  const lat = (latE7 / 1e7) * (Math.PI / 180);
  return [RADIUS_M * (lonE7 / 1e7) * (Math.PI / 180), RADIUS_M * Math.log(Math.tan(Math.PI / 4 + lat / 2))];
}

export interface Hit {
  table: "unit" | "incident" | "alarm" | "case";
  id: number;
}
const LABELS_FROM_M_PER_PX = 6;
const LABELS_MAX = 400;

export class FleetLayer extends Layer {
  private readonly canvas = document.createElement("canvas");
  private frame: FrameState | null = null;
  private placed: { x: number; y: number; hit: Hit }[] = [];
  private taken = new Set<number>();
  /** What the last repaint cost. */
  paintMs = 0;
  shown = 0;

  constructor() {
    super({ zIndex: 10 });
    this.canvas.className = "fleet";
    this.canvas.style.position = "absolute";
  }
  override render(frame: FrameState | null): HTMLElement | null {
    this.frame = frame;
    this.repaint();
    return this.canvas;
  }
  override getSourceState(): "ready" {
    return "ready";
  }

  /** Paints again where the map stands. */
  repaint(): void {
    const frame = this.frame;
    const draw = this.canvas.getContext("2d");
    if (!frame || !draw) return;
    const startMs = performance.now();
    const [width = 0, height = 0] = frame.size;
    const ratio = frame.pixelRatio;
    if (this.canvas.width !== width * ratio || this.canvas.height !== height * ratio) {
      this.canvas.width = width * ratio;
      this.canvas.height = height * ratio;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    draw.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw.clearRect(0, 0, width, height);
    this.placed = [];
    this.taken.clear();
    const colours = palette(ui.theme);
    this.closures(draw, frame, colours);
    this.units(draw, frame, colours);
    this.cases(draw, frame, colours);
    this.incidents(draw, frame, colours);
    this.alarms(draw, frame, colours);
    this.paintMs = performance.now() - startMs;
  }
  /** What is under a pixel, the topmost first. */
  hit(x: number, y: number): Hit | null {
    for (let i = this.placed.length - 1; i >= 0; i--) {
      const spot = this.placed[i];
      if (spot && Math.abs(spot.x - x) < 12 && Math.abs(spot.y - y) < 12) return spot.hit;
    }
    return null;
  }

  private place(
    frame: FrameState,
    lonE7: number | undefined,
    latE7: number | undefined,
  ): [number, number] | null {
    if (!lonE7 && !latE7) return null;
    const at = transform(frame.coordinateToPixelTransform, toMap(lonE7 ?? 0, latE7 ?? 0)) as [number, number];
    const [width = 0, height = 0] = frame.size;
    return at[0] < -20 || at[1] < -20 || at[0] > width + 20 || at[1] > height + 20 ? null : at;
  }

  private units(draw: CanvasRenderingContext2D, frame: FrameState, colours: Palette): void {
    const nowUs = store.nowUs();
    const resolution = frame.viewState.resolution;
    const r = resolution > 20 ? 3.4 : resolution > 8 ? 5 : 6.5;
    const mine = new Set<number>();
    for (const item of store.table("assignment").values()) {
      if (item.incident === ui.incident && item.state !== "done") mine.add(item.unit ?? 0);
    }
    const marked: { unit: UnitItem; x: number; y: number }[] = [];
    const named: { unit: UnitItem; x: number; y: number }[] = [];
    this.shown = 0;
    for (const unit of store.table("unit").values()) {
      // Never heard: where it lives, hollow and faded.
      const at = this.place(frame, unit.lon_e7 || unit.home_lon_e7, unit.lat_e7 || unit.home_lat_e7);
      if (!at) continue;
      this.shown++;
      const [x, y] = at;
      const isMarked = !!unit.alarm || mine.has(unit.id) || ui.unit === unit.id || !!ui.chosen?.has(unit.id);
      if (isMarked) marked.push({ unit, x, y });
      else {
        drawUnit(draw, unit, x, y, r, nowUs, colours);
        if (resolution < LABELS_FROM_M_PER_PX && named.length < LABELS_MAX) named.push({ unit, x, y });
      }
      this.placed.push({ x, y, hit: { table: "unit", id: unit.id } });
    }
    for (const { unit, x, y } of marked) {
      if (!unit.alarm) {
        draw.beginPath();
        draw.arc(x, y, r + 5, 0, 2 * Math.PI);
        draw.lineWidth = 2;
        draw.strokeStyle = colours.hand;
        draw.stroke();
      }
      drawUnit(draw, unit, x, y, r + 1, nowUs, colours);
      this.label(draw, unit.call_sign ?? "", x, y + r + 12, colours, true);
    }
    for (const { unit, x, y } of named) this.label(draw, unit.call_sign ?? "", x, y + r + 9, colours, false);
  }
  /** Writes only where nothing is written yet. */
  private label(
    draw: CanvasRenderingContext2D,
    words: string,
    x: number,
    y: number,
    colours: Palette,
    isNeeded: boolean,
  ): void {
    const cells: number[] = [];
    const half = Math.ceil((words.length * 7) / 2 / 16);
    for (let i = -half; i <= half; i++) {
      for (let j = 0; j < 2; j++) cells.push((Math.floor(x / 16) + i) * 10000 + Math.floor(y / 12) + j);
    }
    if (!isNeeded && cells.some((cell) => this.taken.has(cell))) return;
    for (const cell of cells) this.taken.add(cell);
    text(draw, words, x, y, colours, isNeeded ? 12 : 10.5, isNeeded ? 700 : 500);
  }

  private incidents(draw: CanvasRenderingContext2D, frame: FrameState, colours: Palette): void {
    for (const incident of store.table("incident").values()) {
      if ((incident.state ?? "open") !== "open") continue;
      const at = this.place(frame, incident.lon_e7, incident.lat_e7);
      if (!at) continue;
      const isInHand = incident.id === ui.incident;
      const grade = incident.grade && incident.grade !== "none" ? incident.grade.toUpperCase() : "–";
      if (isInHand) {
        draw.beginPath();
        draw.arc(at[0], at[1], 21, 0, 2 * Math.PI);
        draw.lineWidth = 3;
        draw.strokeStyle = colours.hand;
        draw.stroke();
      }
      const colour = grade === "I" || grade === "II" ? colours.alarm : isInHand ? colours.hand : colours.ink;
      drawSign(draw, "incident", at[0], at[1], 12, grade, colour, colours);
      if (isInHand || frame.viewState.resolution < 20) {
        this.label(
          draw,
          short(incidentTitle(incident)),
          at[0],
          at[1] + (isInHand ? 31 : 24),
          colours,
          isInHand,
        );
      }
      this.placed.push({ x: at[0], y: at[1], hit: { table: "incident", id: incident.id } });
    }
  }
  private alarms(draw: CanvasRenderingContext2D, frame: FrameState, colours: Palette): void {
    for (const alarm of store.table("alarm").values()) {
      if (alarm.state === "cleared" || (alarm.unit && store.find("unit", alarm.unit)?.alarm)) continue;
      const sensor = store.find("sensor", alarm.sensor);
      const at = this.place(frame, alarm.lon_e7 || sensor?.lon_e7, alarm.lat_e7 || sensor?.lat_e7);
      if (!at) continue;
      // Beside the incident it led to, not over it.
      const x = alarm.incident ? at[0] + 17 : at[0];
      const y = alarm.incident ? at[1] - 15 : at[1];
      drawSign(draw, "alarm", x, y, 9, "!", alarm.acknowledged_by ? colours.hand : colours.alarm, colours);
      this.placed.push({ x, y, hit: { table: "alarm", id: alarm.id } });
    }
  }
  private cases(draw: CanvasRenderingContext2D, frame: FrameState, colours: Palette): void {
    for (const item of store.table("case").values()) {
      if (item.stage === "closed" || item.stage === "evaluated" || item.stage === "rejected") continue;
      const at = this.place(frame, item.lon_e7, item.lat_e7);
      if (!at) continue;
      drawSign(draw, "case", at[0], at[1], 8, t("map.case").slice(0, 1), colours.busy, colours);
      this.placed.push({ x: at[0], y: at[1], hit: { table: "case", id: item.id } });
    }
  }
  private closures(draw: CanvasRenderingContext2D, frame: FrameState, colours: Palette): void {
    for (const closure of store.table("closure").values()) {
      const at = this.place(frame, closure.lon_e7, closure.lat_e7);
      if (!at) continue;
      const latitude = ((closure.lat_e7 ?? 0) / 1e7) * (Math.PI / 180);
      const r = Math.max(9, (closure.radius_m ?? 0) / Math.cos(latitude) / frame.viewState.resolution);
      draw.beginPath();
      draw.arc(at[0], at[1], r, 0, 2 * Math.PI);
      draw.setLineDash([6, 4]);
      draw.lineWidth = 2;
      draw.strokeStyle = colours.closure;
      draw.stroke();
      draw.setLineDash([]);
      draw.globalAlpha = 0.12;
      draw.fillStyle = colours.closure;
      draw.fill();
      draw.globalAlpha = 1;
      noEntry(draw, at[0], at[1], colours);
    }
  }
}
/** About the width of fourteen Chinese characters. */
function short(words: string): string {
  const max = /[\u3400-\u9fff]/.test(words) ? 14 : 26;
  return words.length > max ? `${words.slice(0, max - 1)}…` : words;
}
/** The bar of a closed road. */
export function noEntry(draw: CanvasRenderingContext2D, x: number, y: number, colours: Palette): void {
  draw.beginPath();
  draw.arc(x, y, 7, 0, 2 * Math.PI);
  draw.fillStyle = colours.closure;
  draw.fill();
  draw.fillStyle = colours.halo;
  draw.fillRect(x - 4.5, y - 1.5, 9, 3);
}
