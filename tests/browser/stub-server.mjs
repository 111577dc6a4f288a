// SPDX-License-Identifier: Apache-2.0
// Speaks the console protocol of docs/architecture.md with an invented district. For tests and for
// work on the console only; it decides nothing, it only answers as the program would.
//   node stub-server.mjs [--port 8099] [--units 60] [--moving 0] [--exercise] [--sample ../../gis/sample]
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { WebSocketServer } from "ws";
import { addDistrict, layers, moveUnits, now } from "./stub-district.mjs";

const DIST = new URL("../../clients/console/dist/", import.meta.url);
const TYPES = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
  txt: "text/plain",
};
const USERS = { duty: "officer", leader: "duty_leader", look: "observer" };
const ORDER = [
  "alarm",
  "question",
  "incident",
  "order",
  "assignment",
  "unit",
  "report",
  "case",
  "recommendation",
  "sensor",
  "source",
];
const REST = ["closure", "clock", "run", "plan", "incident_type", "recipient"];
const HISTORY_MAX = 2000;

export class StubHub {
  tables = Object.fromEntries([...ORDER, ...REST].map((name) => [name, new Map()]));
  facts = [];
  seq = 1000;
  told = 1000;
  version = "0.1.0";
  isTicking = true;
  commands = [];
  /** Refusals to hand out, by command name. */
  refuse = {};
  #pending = { set: {}, del: {}, log: [] };
  #history = [];
  #sessions = new Map();
  #clients = new Set();
  #timers = [];

  constructor({
    units = 60,
    isExercise = false,
    moving = 0,
    sample = process.env.TOCSIN_SAMPLE_DIR ?? new URL("../../gis/sample", import.meta.url).pathname,
  } = {}) {
    this.isExercise = isExercise;
    this.layers = layers(sample);
    addDistrict(this, units);
    this.#pending = { set: {}, del: {}, log: [] };
    this.told = this.seq;
    this.moving = moving;
  }
  nextId() {
    return ++this.seq;
  }
  put(table, item) {
    item.changed_seq = ++this.seq;
    this.tables[table].set(item.id, item);
    (this.#pending.set[table] ??= new Map()).set(item.id, item);
    return item;
  }
  remove(table, id) {
    this.tables[table].delete(id);
    this.#pending.set[table]?.delete(id);
    (this.#pending.del[table] ??= []).push(id);
    this.seq++;
  }
  log(kind, subject, body, seq = ++this.seq) {
    const fact = { seq, at: now(), occurred: now(), kind, source: 0, subject, cause: 0, body };
    this.facts.push(fact);
    this.#pending.log.push(fact);
    return fact;
  }
  /** Tells everybody what changed since the last time. */
  flush() {
    if (this.seq === this.told) return;
    const frame = {
      t: "delta",
      from: this.told,
      seq: this.seq,
      at: now(),
      set: {},
      del: this.#pending.del,
      log: this.#pending.log,
    };
    for (const [name, items] of Object.entries(this.#pending.set)) frame.set[name] = [...items.values()];
    this.told = this.seq;
    this.#pending = { set: {}, del: {}, log: [] };
    const text = JSON.stringify(frame);
    this.#history.push({ from: frame.from, text });
    if (this.#history.length > HISTORY_MAX) this.#history.shift();
    for (const client of this.#clients) client.isReady && client.socket.send(text);
  }
  #tick() {
    if (this.moving) moveUnits(this, this.moving);
    this.flush();
    if (!this.isTicking) return;
    const frame = JSON.stringify({
      t: "tick",
      now: now(),
      seq: this.seq,
      durable: this.seq,
      backlog: 0,
      sources: [...this.tables.source.values()],
    });
    for (const client of this.#clients) client.isReady && client.socket.send(frame);
  }
  /** Cuts every console off, as a broken network would. */
  dropAll() {
    for (const client of this.#clients) client.socket.terminate();
  }

  async listen(port = 0) {
    this.server = createServer((request, response) => void this.#http(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    this.server.on("upgrade", (request, socket, head) => {
      const session = this.#session(request);
      if (!session || this.isRefusing) return socket.destroy();
      sockets.handleUpgrade(request, socket, head, (ws) => this.#connect(ws, session));
    });
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.#timers.push(setInterval(() => this.#tick(), 1000));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this.url;
  }
  close() {
    for (const timer of this.#timers) clearInterval(timer);
    this.dropAll();
    this.server.closeAllConnections();
    this.server.close();
  }

  #session(request) {
    const id = /tocsin=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
    return this.#sessions.get(id);
  }
  async #http(request, response) {
    const url = new URL(request.url, "http://stub");
    const json = (status, value, headers = {}) => {
      response
        .writeHead(status, { "Content-Type": "application/json", ...headers })
        .end(JSON.stringify(value));
    };
    if (url.pathname === "/api/login") {
      let text = "";
      for await (const chunk of request) text += chunk;
      const { user, password } = JSON.parse(text);
      if (!USERS[user] || password !== "secret") return json(401, { why: "not_allowed" });
      const id = randomUUID();
      this.#sessions.set(id, { user: user === "duty" ? "王值班" : user, role: USERS[user] });
      return json(
        200,
        { user, role: USERS[user] },
        { "Set-Cookie": `tocsin=${id}; HttpOnly; SameSite=Strict; Path=/` },
      );
    }
    if (url.pathname.startsWith("/api/")) {
      const session = this.#session(request);
      if (!session) return json(401, { why: "not_allowed" });
      if (url.pathname === "/api/me") return json(200, session);
      if (url.pathname === "/api/log")
        return json(200, {
          log: this.facts
            .filter((fact) => fact.seq < Number(url.searchParams.get("before")))
            .slice(-300)
            .reverse(),
          next_before: 0,
        });
      const layer = this.layers[url.pathname.slice("/api/layers/".length)];
      return layer ? json(200, layer) : json(404, {});
    }
    const name = url.pathname === "/" ? "index.html" : url.pathname.slice(1);
    try {
      const bytes = await readFile(new URL(name, DIST));
      response
        .writeHead(200, {
          "Content-Type": TYPES[name.split(".").pop()] ?? "application/octet-stream",
          "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        })
        .end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }

  #connect(socket, session) {
    const client = { socket, session, isReady: false };
    this.#clients.add(client);
    socket.on("close", () => this.#clients.delete(client));
    socket.on("message", (data) => {
      const frame = JSON.parse(data);
      if (frame.t === "resume") this.#resume(client, frame);
      else if (frame.t === "command") this.#command(client, frame);
    });
  }
  #resume(client, { epoch, seq }) {
    const send = (frame) => client.socket.send(JSON.stringify(frame));
    this.flush();
    send({
      t: "hello",
      world: { uuid: "00000000-stub", is_exercise: this.isExercise },
      epoch: 1,
      seq: this.seq,
      ...client.session,
      site: { zh: "福田区应急指挥", en: "Futian emergency command" },
      is_sample: true,
      version: this.version,
      now: now(),
    });
    const at = this.#history.findIndex((entry) => entry.from === seq);
    client.resumed = epoch === 1 && seq > 0 && (seq === this.seq || at >= 0);
    if (client.resumed) {
      if (at >= 0) for (const entry of this.#history.slice(at)) client.socket.send(entry.text);
    } else {
      for (const table of [...ORDER, ...REST]) {
        const items = [...this.tables[table].values()];
        for (let i = 0; i < Math.max(1, items.length); i += 500)
          send({ t: "snap", table, items: items.slice(i, i + 500), done: i + 500 >= items.length });
      }
    }
    send({ t: "ready", seq: this.seq });
    client.isReady = true;
    this.lastResumed = client.resumed;
  }

  #command({ socket, session }, { id, name, body, seen }) {
    this.commands.push({ id, name, body, seen });
    const answer = (result) => socket.send(JSON.stringify({ t: "result", id, ...result }));
    if (session.role === "observer") return answer({ ok: false, why: "not_allowed" });
    if (this.refuse[name]) return answer({ ok: false, ...this.refuse[name] });
    const seq = ++this.seq;
    this.log("command.taken", 0, { id, who: session.user, role: session.role, name }, seq);
    ACTS[name]?.(this, body, session);
    this.flush();
    answer({ ok: true, seq });
  }
}

const change = (hub, table, id, more) => hub.put(table, { ...hub.tables[table].get(id), ...more });
const ACTS = {
  "alarm.acknowledge": (hub, { alarm }, { user }) => {
    change(hub, "alarm", alarm, { acknowledged_by: user });
    hub.log("alarm.acknowledged", alarm, { by: user });
  },
  "question.answer": (hub, { question, answer }, { user }) => {
    change(hub, "question", question, { answer, answered_by: user });
    hub.log("question.answered", question, { answer, by: user });
  },
  "incident.claim": (hub, { incident, release }, { user }) => {
    change(hub, "incident", incident, { claimed_by: release ? "" : user });
    hub.log("incident.claimed", incident, { by: release ? "" : user });
  },
  "incident.note": (hub, { incident, text }, { user }) =>
    hub.log("incident.noted", incident, { text, by: user }),
  "incident.close": (hub, { incident, disposition }, { user }) => {
    change(hub, "incident", incident, { state: "closed", closed_us: now(), disposition });
    hub.log("incident.closed", incident, { disposition, by: user });
  },
  "report.join": (hub, { report, incident }, { user }) => {
    change(hub, "report", report, { incident, proposed: 0 });
    hub.log("report.joined", report, { incident, by: user });
  },
  "report.create": (hub, body) => {
    const report = hub.put("report", { id: hub.nextId(), received_us: now(), ...body });
    hub.log("report.received", 0, body, report.id);
  },
  "order.record": (hub, { order }, { user }) => {
    change(hub, "order", order, {
      state: "accepted",
      accepted_us: now(),
      is_unknown: false,
      needs_person: false,
    });
    hub.log("order.accepted", order, { how: "voice", by: user });
  },
  "response.start": (hub, { incident, level }, { user }) => {
    change(hub, "incident", incident, { response: level });
    hub.log("response.started", incident, { level, by: user });
  },
  "units.send": (hub, { incident, units }, { user }) => {
    const number = hub.tables.incident.get(incident).number;
    units.forEach((unit, i) => {
      const assignment = hub.nextId();
      const order = hub.nextId();
      hub.put("assignment", { id: assignment, incident, unit, order, sent_us: now() });
      hub.put("order", {
        id: order,
        number: `${number}-1${i}`,
        incident,
        assignment,
        recipient: unit,
        channel: "sds",
        text: "立即前往",
        by: user,
        queued_us: now(),
      });
      hub.log(
        "order.created",
        0,
        {
          number: `${number}-1${i}`,
          incident,
          assignment,
          recipient_kind: "unit",
          recipient: unit,
          text: "立即前往",
          by: user,
        },
        order,
      );
      change(hub, "unit", unit, { state: "dispatched", state_at_us: now(), assignments: [assignment] });
      const step = (ms, state, kind, more = {}) =>
        setTimeout(() => {
          change(hub, "order", order, { state, [`${state}_us`]: now(), attempts: 1, ...more });
          hub.log(kind, order, { n: 1, how: "radio" });
          hub.flush();
        }, ms).unref();
      step(300, "sent", "order.sent");
      step(800, "delivered", "order.delivered");
      if (i === 0) step(1500, "accepted", "order.accepted");
    });
  },
};

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const option = (name, otherwise) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : process.argv[at + 1];
  };
  const hub = new StubHub({
    units: Number(option("units", 60)),
    moving: Number(option("moving", 0)),
    isExercise: process.argv.includes("--exercise"),
    ...(option("sample") ? { sample: option("sample") } : {}),
  });
  console.log(`${await hub.listen(Number(option("port", 8099)))}  users duty, leader, look; password secret`);
}
