// SPDX-License-Identifier: Apache-2.0
// The map pane: base, fleet, legend, and the way from a click to a thing.
import OlMap from "ol/Map";
import View from "ol/View";
import { defaults as controls } from "ol/control/defaults";
import ScaleLine from "ol/control/ScaleLine";
import { toLonLat } from "ol/proj";
import { patch, h, type Child } from "../dom";
import { age } from "../format";
import { code, t } from "../i18n";
import { alarmName, incidentTitle, placeOf } from "../names";
import { store } from "../store";
import { ui } from "../ui";
import { mapCentre } from "../view/intake";
import { BaseMap } from "./base";
import { FleetLayer, noEntry, toMap, type Hit } from "./fleet";
import { drawSign, drawUnit, palette } from "./glyphs";

const FUTIAN: [number, number] = [1140560000, 225430000];
const CLOSE_M_PER_PX = 5;

export class MapPane {
  private readonly base = new BaseMap();
  readonly fleet = new FleetLayer();
  private readonly map: OlMap;
  private readonly view: View;
  private readonly legend = document.createElement("div");
  private readonly tip = document.createElement("div");
  private theme = "";
  private lang = "";
  private wasEmpty = true;

  constructor(target: HTMLElement) {
    this.view = new View({
      center: toMap(...FUTIAN),
      zoom: 13,
      minZoom: 10,
      maxZoom: 19,
      enableRotation: false,
    });
    this.map = new OlMap({
      target,
      view: this.view,
      layers: [...this.base.layers, this.fleet],
      controls: controls({ attribution: false, rotate: false, zoom: false }).extend([
        new ScaleLine({ minWidth: 70 }),
      ]),
    });
    this.legend.className = "legend";
    this.tip.className = "tip";
    target.append(this.legend, this.tip);
    ui.goTo = (lonE7, latE7) => this.goTo(lonE7, latE7);
    this.map.on("moveend", () => this.moved());
    this.map.on("singleclick", (event) => this.clicked(event.pixel));
    this.map.on("pointermove", (event) => this.hover(event.pixel));
    void this.base.load(() => {
      this.showAll();
      this.draw();
    });
  }
  private moved(): void {
    const [lon = 0, lat = 0] = toLonLat(this.view.getCenter() ?? [0, 0]);
    mapCentre.lonE7 = Math.round(lon * 1e7);
    mapCentre.latE7 = Math.round(lat * 1e7);
  }
  showAll(): void {
    if (this.base.extent) this.view.fit(this.base.extent, { padding: [16, 16, 16, 16] });
  }
  goTo(lonE7: number, latE7: number): void {
    const resolution = Math.min(this.view.getResolution() ?? CLOSE_M_PER_PX, CLOSE_M_PER_PX);
    this.view.animate({ center: toMap(lonE7, latE7), resolution, duration: 250 });
  }
  private zoomBy(step: number): void {
    this.view.animate({ zoom: (this.view.getZoom() ?? 13) + step, duration: 150 });
  }

  private clicked(pixel: number[]): void {
    const hit = this.fleet.hit(pixel[0] ?? 0, pixel[1] ?? 0);
    if (!hit) return;
    if (hit.table === "unit") ui.unit = ui.unit === hit.id ? 0 : hit.id;
    else if (hit.table === "incident") return ui.openIncident(hit.id);
    else {
      const incident = store.find(hit.table, hit.id)?.incident;
      if (hit.table === "alarm") ui.queueKey = `alarm:${hit.id}`;
      if (incident) return ui.openIncident(incident);
    }
    ui.touch();
  }
  private hover(pixel: number[]): void {
    const [x = 0, y = 0] = pixel;
    const hit = this.fleet.hit(x, y);
    this.tip.hidden = !hit;
    if (!hit) return;
    this.tip.textContent = describe(hit);
    this.tip.style.left = `${x + 14}px`;
    this.tip.style.top = `${y + 10}px`;
  }

  /** After any change: cheap unless theme or language changed. */
  draw(): void {
    if (this.theme !== ui.theme || this.lang !== ui.lang) {
      this.theme = ui.theme;
      this.lang = ui.lang;
      this.base.restyle();
      this.drawLegend();
    }
    if (this.wasEmpty && store.table("unit").size) this.wasEmpty = false;
    this.fleet.repaint();
    this.drawLegend();
  }
  resize(): void {
    this.map.updateSize();
  }
  private drawLegend(): void {
    const row = (name: string, text: string): Child =>
      h(
        "li",
        { key: name },
        h("canvas", { class: "glyph", width: 44, height: 44, "data-glyph": `${name}/${ui.theme}` }),
        text,
      );
    const button = (text: string, title: string, run: () => void): Child =>
      h("button", { class: "tool", type: "button", title, "aria-label": title, on: { click: run } }, text);
    patch(this.legend, [
      h(
        "div",
        { class: "map-tools" },
        button("+", t("map.zoom_in"), () => this.zoomBy(1)),
        button("−", t("map.zoom_out"), () => this.zoomBy(-1)),
        button(t("map.whole"), t("map.whole"), () => this.showAll()),
        h(
          "button",
          {
            class: "tool",
            type: "button",
            "aria-expanded": ui.isLegendOpen ? "true" : "false",
            on: {
              click: () => {
                ui.isLegendOpen = !ui.isLegendOpen;
                ui.touch();
              },
            },
          },
          `${t("map.legend")} ${ui.isLegendOpen ? "▾" : "▸"}`,
        ),
        h("span", { class: "shown" }, t("map.units", { n: store.table("unit").size })),
      ),
      this.base.hasFailed ? h("p", { class: "warn" }, t("map.base_failed")) : "",
      ui.isLegendOpen
        ? h(
            "div",
            { class: "legend-lists" },
            h(
              "ul",
              null,
              KINDS.map((kind) => row(`kind:${kind}`, code("unit_kind", kind))),
            ),
            h(
              "ul",
              null,
              GROUPS.map(([name, state]) => row(`state:${state}`, t(name))),
              row("age:stale", t("map.stale")),
              row("age:old", t("map.old")),
            ),
            h(
              "ul",
              null,
              row("sign:incident", t("map.incident")),
              row("sign:alarm", t("map.alarm")),
              row("sign:emergency", t("map.emergency")),
              row("sign:case", t("map.case")),
              row("sign:closure", t("map.closure")),
            ),
          )
        : "",
    ]);
    for (const canvas of this.legend.querySelectorAll<HTMLCanvasElement>("canvas.glyph")) paintGlyph(canvas);
  }
}

const KINDS = ["fire_engine", "ambulance", "patrol", "grid_team", "pump_truck", "rescue_team", "other"];
const GROUPS: [string, string][] = [
  ["map.state_free", "available"],
  ["map.state_moving", "en_route"],
  ["map.state_scene", "on_scene"],
  ["map.state_busy", "busy"],
];
function paintGlyph(canvas: HTMLCanvasElement): void {
  const wanted = canvas.dataset["glyph"] ?? "";
  if (canvas.dataset["painted"] === wanted) return;
  canvas.dataset["painted"] = wanted;
  const draw = canvas.getContext("2d");
  if (!draw) return;
  draw.setTransform(2, 0, 0, 2, 0, 0);
  draw.clearRect(0, 0, 22, 22);
  const colours = palette(ui.theme);
  const [group, name = ""] = (wanted.split("/")[0] ?? "").split(":");
  const nowUs = 1e15;
  const unit = (more: object): void =>
    drawUnit(
      draw,
      { id: 1, kind: "patrol", state: "available", position_at_us: nowUs, ...more },
      11,
      11,
      6,
      nowUs,
      colours,
    );
  if (group === "kind") unit({ kind: name });
  else if (group === "state")
    unit({ state: name, speed_cms: name === "en_route" ? 900 : 0, heading_deg: 60 });
  else if (group === "age") unit({ position_at_us: nowUs - (name === "old" ? 700e6 : 200e6) });
  else if (name === "emergency") unit({ alarm: 1 });
  else if (name === "closure") noEntry(draw, 11, 11, colours);
  else {
    const colour = name === "alarm" ? colours.alarm : name === "case" ? colours.busy : colours.ink;
    const word = name === "alarm" ? "!" : name === "case" ? t("map.case").slice(0, 1) : "III";
    drawSign(
      draw,
      name as "incident" | "alarm" | "case",
      11,
      11,
      name === "incident" ? 8 : 8,
      word,
      colour,
      colours,
    );
  }
}

function describe(hit: Hit): string {
  if (hit.table === "unit") {
    const unit = store.find("unit", hit.id);
    if (!unit) return "";
    const doubt = unit.is_doubtful ? ` · ${t("map.doubtful")}` : "";
    return `${unit.call_sign ?? ""} ${code("unit_kind", unit.kind ?? "other")} · ${code("unit_state", unit.state ?? "unknown")} · ${t("units.position")} ${age(unit.position_at_us)}${doubt}`;
  }
  if (hit.table === "incident") {
    const incident = store.find("incident", hit.id);
    return incident ? `${incident.number ?? ""} ${incidentTitle(incident)} · ${placeOf(incident)}` : "";
  }
  if (hit.table === "alarm") {
    const alarm = store.find("alarm", hit.id);
    return alarm ? `${alarmName(alarm)} · ${code("alarm_level", alarm.level)} · ${age(alarm.raised_us)}` : "";
  }
  const item = store.find("case", hit.id);
  return item
    ? `${item.number ?? ""} ${item.service_zh ?? ""} · ${code("stage", item.stage ?? "collected")}`
    : "";
}
