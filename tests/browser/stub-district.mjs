// SPDX-License-Identifier: Apache-2.0
// A small invented district for the console's tests: units, sensors, one flooded underpass.
import { existsSync, readFileSync } from "node:fs";

export const now = () => Date.now() * 1000;
const KINDS = ["fire_engine", "ambulance", "patrol", "grid_team", "pump_truck", "rescue_team"];
const KIND_ZH = {
  fire_engine: "消防车",
  ambulance: "救护车",
  patrol: "巡逻车",
  grid_team: "网格队",
  pump_truck: "排涝车",
  rescue_team: "救援队",
};
const KIND_EN = {
  fire_engine: "Engine",
  ambulance: "Ambulance",
  patrol: "Patrol",
  grid_team: "Grid team",
  pump_truck: "Pump truck",
  rescue_team: "Rescue",
};
const LETTER = {
  fire_engine: "X",
  ambulance: "J",
  patrol: "L",
  grid_team: "W",
  pump_truck: "P",
  rescue_team: "S",
};
const CAPABILITY = {
  fire_engine: "fire",
  ambulance: "medical",
  patrol: "patrol",
  grid_team: "grid",
  pump_truck: "pump",
  rescue_team: "rescue",
};
const STATES = ["available", "available", "available", "en_route", "on_scene", "busy", "off_duty", "leaving"];

/** Numbers that are the same on every run. */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export function addUnits(hub, count) {
  const roll = dice(7);
  const numbers = {};
  for (let i = 0; i < count; i++) {
    const kind = KINDS[i % KINDS.length];
    const n = (numbers[kind] = (numbers[kind] ?? 0) + 1);
    const id = hub.nextId();
    const age = roll() < 0.9 ? roll() * 40e6 : roll() * 1500e6;
    hub.put("unit", {
      id,
      call_sign: `${LETTER[kind]}${String(n).padStart(2, "0")}`,
      kind,
      name_zh: `${KIND_ZH[kind]} ${n}`,
      name_en: `${KIND_EN[kind]} ${n}`,
      address: `460001${1000 + i}`,
      capabilities: [{ capability: CAPABILITY[kind], count: 1 }],
      crew: 3,
      state: STATES[Math.floor(roll() * STATES.length)],
      state_at_us: now() - Math.floor(roll() * 3600e6),
      state_how: "radio",
      lon_e7: Math.round(1139950000 + roll() * 1050000),
      lat_e7: Math.round(225150000 + roll() * 550000),
      position_at_us: Math.round(now() - age),
      speed_cms: Math.round(roll() * 1500),
      heading_deg: Math.floor(roll() * 360),
      heard_us: Math.round(now() - age / 2),
    });
  }
}
export function moveUnits(hub, count) {
  let moved = 0;
  for (const unit of hub.tables.unit.values()) {
    if (moved++ >= count) break;
    if ((unit.speed_cms ?? 0) < 300 || unit.state === "off_duty") continue;
    const angle = (unit.heading_deg * Math.PI) / 180;
    hub.put("unit", {
      ...unit,
      lon_e7: unit.lon_e7 + Math.round(Math.sin(angle) * unit.speed_cms * 0.9),
      lat_e7: unit.lat_e7 + Math.round(Math.cos(angle) * unit.speed_cms * 0.9),
      heading_deg: (unit.heading_deg + Math.round(Math.sin(moved) * 12) + 360) % 360,
      position_at_us: now(),
      heard_us: now(),
    });
  }
}

export function addDistrict(hub, unitCount) {
  const types = [
    ["waterlogging", "城区内涝", "Urban waterlogging", "积水 水浸 淹"],
    ["fire", "火灾", "Fire", "起火 冒烟 着火"],
    ["road_collapse", "路面塌陷", "Road collapse", "塌陷"],
    ["help", "力量求救", "Officer needs help", ""],
  ];
  for (const [code, name_zh, name_en, words] of types)
    hub.put("incident_type", { id: hub.nextId(), code, name_zh, name_en, words });
  const links = [
    ["tetra-1", true],
    ["hj212", true],
    ["sl651", true],
    ["city-cases", true],
    ["cap-weather", false],
  ];
  for (const [name, is_up] of links) {
    hub.put("source", {
      id: hub.nextId(),
      name,
      driver: name.split("-")[0],
      is_up,
      since_us: now() - 540e6,
      heard_us: now() - 2e6,
      ...(is_up ? {} : { why: "link_lost" }),
    });
  }
  addUnits(hub, unitCount);
  hub.put("plan", {
    id: hub.nextId(),
    plan: "waterlogging",
    version: 3,
    title_zh: "城区内涝",
    title_en: "Urban waterlogging",
    is_live: true,
  });
  const sensor = hub.nextId();
  hub.put("sensor", {
    id: sensor,
    source: "sl651",
    device: "0012345678",
    factor: "39",
    unit_text: "m",
    name_zh: "红岭下沉隧道",
    name_en: "Hongling underpass",
    lon_e7: 1140995000,
    lat_e7: 225478000,
    value_e6: 420000,
    value_at_us: now(),
    quality: "valid",
    incident_type: "waterlogging",
  });
  hub.sensor = sensor;
  addFlood(hub, sensor);
  addFire(hub);
  hub.put("case", {
    id: hub.nextId(),
    number: "AJ-1121-0317",
    service_code: "0105",
    service_zh: "井盖破损",
    service_en: "Broken manhole cover",
    description: "井盖破损，有安全隐患",
    lon_e7: 1140600000,
    lat_e7: 225300000,
    place_zh: "福华路 88 号",
    place_en: "88 Fuhua Rd",
    stage: "filed",
    opened_us: now() - 900e6,
  });
  hub.put("report", {
    id: hub.nextId(),
    channel: "phone",
    type: "road_collapse",
    text: "新洲路人行道塌了一块，约两米见方，旁边有行人经过",
    lon_e7: 1140420000,
    lat_e7: 225290000,
    place_zh: "新洲路 3008 号旁",
    place_en: "by 3008 Xinzhou Rd",
    received_us: now() - 95e6,
    occurred_us: now() - 120e6,
    caller_name: "王女士",
    caller_phone: "138****0001",
  });
}

function addFlood(hub, sensor) {
  const alarm = hub.nextId();
  const incident = hub.nextId();
  const run = hub.nextId();
  const at = {
    lon_e7: 1140995000,
    lat_e7: 225478000,
    place_zh: "园岭街道 红岭中路下沉隧道（八卦二路口）",
    place_en: "Hongling Rd underpass at Bagua 2nd Rd, Yuanling",
  };
  hub.put("alarm", {
    id: alarm,
    kind: "water_level",
    level: "danger",
    sensor,
    value_e6: 420000,
    limit_e6: 270000,
    ...at,
    evidence: "水位 0.42 m，限值 0.27 m",
    raised_us: now() - 130e6,
    acknowledged_by: "王值班",
    incident,
  });
  hub.put("incident", {
    id: incident,
    number: "20261121-0042",
    type: "waterlogging",
    grade: "iii",
    title: "红岭下沉隧道积水 0.42 米",
    ...at,
    opened_us: now() - 125e6,
    response_proposed: "IV",
    response_why_zh: "隧道水位超过警戒",
    response_why_en: "underpass level over warning",
    reports: 2,
    last_report_us: now() - 60e6,
  });
  hub.incident = incident;
  const report = (more) =>
    hub.put("report", {
      id: hub.nextId(),
      type: "waterlogging",
      ...at,
      occurred_us: now() - 128e6,
      received_us: now() - 128e6,
      ...more,
    });
  report({
    channel: "alarm",
    text: "水位 0.42 m 超过危险限值 0.27 m",
    alarm,
    incident,
    score: 100,
    reasons: ["same_sensor"],
  });
  report({
    channel: "phone",
    text: "隧道里有两辆车熄火了，水到车门",
    incident,
    score: 87,
    reasons: ["same_place", "near_in_time", "same_type"],
    received_us: now() - 60e6,
    caller_name: "李先生",
    caller_phone: "139****5521",
  });
  report({
    channel: "phone",
    text: "八卦二路路口积水很深，公交车停了",
    proposed: incident,
    score: 62,
    reasons: ["near", "compatible_type"],
    received_us: now() - 25e6,
  });
  hub.put("run", {
    id: run,
    plan: "waterlogging",
    version: 3,
    incident,
    calls: 7,
    answers: 6,
    waits_for: "回答：派两台排涝车",
    started_us: now() - 120e6,
  });
  hub.question = hub.nextId();
  hub.put("question", {
    id: hub.question,
    run,
    incident,
    key: "pumps",
    role: "officer",
    text_zh: "派两台排涝车前往红岭下沉隧道？",
    text_en: "Send two pump trucks to the Hongling underpass?",
    default_answer: "yes",
    asked_us: now() - 40e6,
    due_us: now() + 140e6,
  });
  hub.put("closure", {
    id: hub.nextId(),
    layer: "underpasses",
    feature: "UP-01",
    lon_e7: at.lon_e7,
    lat_e7: at.lat_e7,
    radius_m: 300,
    why: "积水",
    incident,
    by: "waterlogging",
    closed_us: now() - 100e6,
  });
  hub.put("clock", { id: hub.nextId(), incident, name: "first_report", due_us: now() + 1080e6 });
  recommend(hub, incident);
  hub.log(
    "alarm.raised",
    0,
    { kind: "water_level", level: "danger", sensor, place_zh: at.place_zh, place_en: at.place_en },
    alarm,
  );
  hub.log(
    "incident.opened",
    0,
    {
      number: "20261121-0042",
      type: "waterlogging",
      grade: "iii",
      title: "红岭下沉隧道积水 0.42 米",
      place_zh: at.place_zh,
      place_en: at.place_en,
    },
    incident,
  );
  hub.log("run.started", 0, { plan: "waterlogging", version: 3, incident }, run);
  hub.log("response.proposed", incident, {
    level: "IV",
    why_zh: "隧道水位超过警戒",
    why_en: "underpass level over warning",
    run,
  });
  hub.log("incident.noted", incident, {
    text: "已通知水务局值班",
    text_en: "Water office told",
    by: "王值班",
  });
  hub.log(
    "question.asked",
    0,
    {
      run,
      incident,
      key: "pumps",
      role: "officer",
      text_zh: "派两台排涝车前往红岭下沉隧道？",
      text_en: "Send two pump trucks to the Hongling underpass?",
    },
    hub.question,
  );
}

export function recommend(hub, incident) {
  const units = [...hub.tables.unit.values()];
  const pick = (kind, count) => units.filter((unit) => unit.kind === kind).slice(0, count);
  const lines = [];
  const add = (unit, capability, seconds, is_chosen, reason, doubt) => {
    hub.put("unit", {
      ...hub.tables.unit.get(unit.id),
      ...(is_chosen ? { state: "available", position_at_us: now() - 8e6 } : {}),
    });
    lines.push({
      unit: unit.id,
      capability,
      seconds,
      metres: seconds * 9,
      ...(is_chosen ? { is_chosen } : {}),
      reason,
      ...(doubt ? { doubt } : {}),
    });
  };
  pick("pump_truck", 4).forEach((unit, i) =>
    add(unit, "pump", 240 + i * 130, i < 2, i < 2 ? "closest" : "farther", i === 3 ? "stale_position" : ""),
  );
  pick("patrol", 4).forEach((unit, i) =>
    add(unit, "patrol", 180 + i * 95, i < 1, i < 1 ? "closest" : i === 2 ? "busy" : "farther", ""),
  );
  pick("rescue_team", 2).forEach((unit, i) =>
    add(unit, "rescue", 510 + i * 60, false, i ? "off_duty" : "farther", ""),
  );
  hub.put("recommendation", {
    id: incident,
    made_us: now() - 30e6,
    as_of: hub.seq,
    lines,
    shortfalls: [{ capability: "barrier", needed: 1, found: 0 }],
    uncovered: ["pump"],
  });
}

function addFire(hub) {
  const incident = hub.nextId();
  hub.put("incident", {
    id: incident,
    number: "20261121-0041",
    type: "fire",
    grade: "iv",
    title: "石厦北二街住宅冒烟",
    lon_e7: 1140510000,
    lat_e7: 225245000,
    place_zh: "福保街道 石厦北二街 7 号",
    place_en: "7 Shixia North 2nd St, Fubao",
    opened_us: now() - 1500e6,
    claimed_by: "王值班",
    response: "IV",
    reports: 1,
  });
  hub.fire = incident;
  const units = [...hub.tables.unit.values()].filter((unit) => unit.kind === "fire_engine").slice(0, 4);
  const orders = [
    { state: "accepted", sent_us: -1395e6, delivered_us: -1394e6, read_us: -1380e6, accepted_us: -1370e6 },
    { state: "accepted", sent_us: -1393e6, accepted_us: -1350e6 },
    { state: "failed", attempts: 3, is_repeat: true, why: "not_reachable", ended_us: -1200e6 },
    { state: "sent", attempts: 2, is_repeat: true, is_unknown: true, sent_us: -300e6, why: "restart" },
  ];
  units.forEach((unit, i) => {
    const assignment = hub.nextId();
    const order = hub.nextId();
    const times = Object.fromEntries(
      Object.entries(orders[i]).map(([name, value]) => [name, name.endsWith("_us") ? now() + value : value]),
    );
    hub.put("order", {
      id: order,
      number: `20261121-0041-0${i + 1}`,
      incident,
      assignment,
      recipient: unit.id,
      channel: "sds",
      address: unit.address,
      text: "石厦北二街 7 号冒烟，立即前往",
      priority: "urgent",
      by: "王值班",
      attempts: 1,
      queued_us: now() - 1398e6,
      attempted_us: now() - 1396e6,
      ...times,
    });
    const stages =
      i === 0
        ? {
            state: "on_scene",
            accepted_us: now() - 1370e6,
            en_route_us: now() - 1340e6,
            on_scene_us: now() - 900e6,
          }
        : i === 1
          ? { state: "en_route", accepted_us: now() - 1350e6, en_route_us: now() - 1300e6 }
          : {};
    hub.put("assignment", {
      id: assignment,
      incident,
      unit: unit.id,
      capability: "fire",
      order,
      sent_us: now() - 1398e6,
      ...stages,
    });
    hub.put("unit", {
      ...unit,
      assignments: [assignment],
      state: i === 0 ? "on_scene" : i === 1 ? "en_route" : "dispatched",
    });
    hub.log(i < 2 ? "order.accepted" : i === 2 ? "attempt.failed" : "attempt.unknown", order, {
      n: 1,
      how: "radio",
      why: i === 2 ? "not_reachable" : "restart",
    });
  });
}

/** Lines of a table file, by its heading. */
function rows(path) {
  const [head, ...lines] = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"));
  const names = head.split("\t");
  return lines.map((line) => Object.fromEntries(line.split("\t").map((value, i) => [names[i], value])));
}
const feature = (type, coordinates, properties) => ({
  type: "Feature",
  geometry: { type, coordinates },
  properties,
});
const pairs = (text) =>
  text
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split(",").map(Number));

/** Map layers: the sample district's when its files are there, else a plain grid of streets. */
export function layers(dir) {
  const collection = (features) => ({ type: "FeatureCollection", features });
  if (dir && existsSync(`${dir}/roads.tsv`)) {
    const crossing = new Map(
      rows(`${dir}/crossings.tsv`).map((row) => [Object.values(row)[0], Object.values(row)]),
    );
    const at = (id) =>
      (crossing.get(id) ?? [])
        .map(Number)
        .filter((n) => n > 20 && n < 130)
        .sort((a, b) => b - a)
        .slice(0, 2);
    return {
      subdistricts: collection(
        rows(`${dir}/subdistricts.tsv`).map((row) => feature("Polygon", [pairs(row.border)], row)),
      ),
      roads: collection(
        rows(`${dir}/roads.tsv`)
          .map((row) =>
            feature(
              "LineString",
              row.crossings
                .split(" ")
                .map(at)
                .filter((point) => point.length === 2),
              { ...row, crossings: "" },
            ),
          )
          .filter((road) => road.geometry.coordinates.length > 1),
      ),
    };
  }
  const roads = [];
  for (let i = 0; i <= 10; i++) {
    const lat = 22.515 + i * 0.0055;
    const lon = 113.995 + i * 0.0105;
    roads.push(
      feature(
        "LineString",
        [
          [113.995, lat],
          [114.1, lat],
        ],
        { name_zh: `横${i}路`, name_en: `East-west ${i}`, class: i % 5 ? "secondary" : "expressway" },
      ),
    );
    roads.push(
      feature(
        "LineString",
        [
          [lon, 22.515],
          [lon, 22.57],
        ],
        { name_zh: `纵${i}路`, name_en: `North-south ${i}`, class: i % 4 ? "tertiary" : "primary" },
      ),
    );
  }
  const box = (x, y, n) =>
    feature(
      "Polygon",
      [
        [
          [x, y],
          [x + 0.035, y],
          [x + 0.035, y + 0.0275],
          [x, y + 0.0275],
          [x, y],
        ],
      ],
      { name_zh: `第${n}街道`, name_en: `Sub-district ${n}` },
    );
  return {
    subdistricts: collection(
      [0, 1, 2, 3, 4, 5].map((n) =>
        box(113.995 + (n % 3) * 0.035, 22.515 + Math.floor(n / 3) * 0.0275, n + 1),
      ),
    ),
    roads: collection(roads),
  };
}
