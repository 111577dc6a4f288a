// SPDX-License-Identifier: Apache-2.0
// The calm grey base, drawn from the hub's own layers: no tile, no address outside.
import type Feature from "ol/Feature";
import type { FeatureLike } from "ol/Feature";
import GeoJSON from "ol/format/GeoJSON";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import Fill from "ol/style/Fill";
import Stroke from "ol/style/Stroke";
import Style from "ol/style/Style";
import Text from "ol/style/Text";
import type { Extent } from "ol/extent";
import { own } from "../i18n";
import { ui } from "../ui";
import { FONT } from "./glyphs";

/** Bottom first; those the hub does not have are left out. */
const LAYERS = [
  "subdistricts",
  "communities",
  "roads",
  "underpasses",
  "gauges",
  "hospitals",
  "fire_stations",
  "shelters",
  "pollution_sources",
  "warehouses",
] as const;
type LayerName = (typeof LAYERS)[number];

interface Tones {
  land: string;
  edge: string;
  water: string;
  road: string;
  major: string;
  place: string;
  mark: string;
  halo: string;
}
const TONES: Record<"day" | "night", Tones> = {
  day: {
    land: "#eef0f2",
    edge: "#b4bcc5",
    water: "#dbe4ea",
    road: "#ffffff",
    major: "#cfd5db",
    place: "#5b6671",
    mark: "#5a7896",
    halo: "#f7f8f9",
  },
  night: {
    land: "#1a222b",
    edge: "#3d4954",
    water: "#17242f",
    road: "#2b3540",
    major: "#3d4955",
    place: "#8895a3",
    mark: "#6f8ba6",
    halo: "#141b22",
  },
};

const MAJOR = /motorway|trunk|primary|expressway|arterial/;
function roadRank(feature: FeatureLike): number {
  const kind = String(feature.get("class") ?? feature.get("highway") ?? feature.get("kind") ?? "");
  if (MAJOR.test(kind)) return 2;
  return /main|secondary|tertiary/.test(kind) ? 1 : 0;
}
function nameOf(feature: FeatureLike): string {
  const plain = feature.get("name") as string | undefined;
  return own(
    (feature.get("name_zh") as string | undefined) ?? plain,
    (feature.get("name_en") as string | undefined) ?? plain,
  );
}
function label(words: string, tones: Tones, size: number, weight: number, offsetY = 0): Text {
  return new Text({
    text: words,
    font: `${weight} ${size}px ${FONT}`,
    offsetY,
    overflow: true,
    fill: new Fill({ color: tones.place }),
    stroke: new Stroke({ color: tones.halo, width: 3 }),
  });
}
function style(name: LayerName, feature: FeatureLike, resolution: number): Style | Style[] {
  const tones = TONES[ui.theme];
  switch (name) {
    case "subdistricts":
      return new Style({
        fill: new Fill({ color: tones.land }),
        stroke: new Stroke({ color: tones.edge, width: 1.6 }),
        text: label(nameOf(feature), tones, 13, 600),
      });
    case "communities":
      return resolution > 12
        ? []
        : new Style({ stroke: new Stroke({ color: tones.edge, width: 0.6, lineDash: [3, 3] }) });
    case "roads": {
      const rank = roadRank(feature);
      if (rank === 0 && resolution > 25) return [];
      const width = (rank + 1) * (resolution > 15 ? 0.7 : resolution > 5 ? 1.2 : 2.2);
      const road = new Style({ stroke: new Stroke({ color: rank ? tones.major : tones.road, width }) });
      const words = resolution < 5 ? nameOf(feature) : "";
      if (words) {
        road.setText(
          new Text({
            text: words,
            placement: "line",
            font: `500 11px ${FONT}`,
            fill: new Fill({ color: tones.place }),
            stroke: new Stroke({ color: tones.halo, width: 3 }),
          }),
        );
      }
      return road;
    }
    default: {
      const isLine = feature.getGeometry()?.getType().includes("Line");
      if (resolution > 22 && !isLine) return [];
      return new Style({
        stroke: new Stroke({ color: tones.mark, width: 3 }),
        fill: new Fill({ color: tones.water }),
        text: new Text({
          text: (MARKS[name] ?? "◇") + (resolution < 6 ? ` ${nameOf(feature)}` : ""),
          font: `600 11px ${FONT}`,
          overflow: true,
          fill: new Fill({ color: tones.mark }),
          stroke: new Stroke({ color: tones.halo, width: 3 }),
        }),
      });
    }
  }
}
const MARKS: Partial<Record<LayerName, string>> = {
  underpasses: "⌒",
  gauges: "≋",
  hospitals: "✚",
  fire_stations: "▣",
  shelters: "⌂",
  pollution_sources: "◍",
  warehouses: "▤",
};

export class BaseMap {
  readonly layers: VectorLayer<VectorSource<Feature>>[] = [];
  extent: Extent | null = null;
  hasFailed = false;

  constructor() {
    LAYERS.forEach((name, i) => {
      this.layers.push(
        new VectorLayer({
          source: new VectorSource<Feature>(),
          zIndex: i,
          declutter: name === "roads" ? "roads" : "places",
          style: (feature, resolution) => style(name, feature, resolution),
          updateWhileInteracting: false,
          updateWhileAnimating: false,
        }),
      );
    });
  }
  /** Asks the hub for each layer; `done` after the last. */
  async load(done: () => void): Promise<void> {
    const format = new GeoJSON({ featureProjection: "EPSG:3857" });
    let found = 0;
    await Promise.all(
      LAYERS.map(async (name, i) => {
        try {
          const response = await fetch(`/api/layers/${name}`);
          if (!response.ok) return;
          const features = format.readFeatures(await response.json());
          if (!features.length) return;
          found++;
          this.layers[i]?.getSource()?.addFeatures(features as Feature[]);
          const extent = this.layers[i]?.getSource()?.getExtent();
          if (extent && (name === "subdistricts" || (!this.extent && name === "roads"))) this.extent = extent;
        } catch {
          // A layer that cannot be read is a layer that is missing.
        }
      }),
    );
    this.hasFailed = found === 0;
    done();
  }
  restyle(): void {
    for (const layer of this.layers) layer.changed();
  }
}
