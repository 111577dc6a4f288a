// SPDX-License-Identifier: Apache-2.0
// What the console knows: the hub's tables, the newest facts, and how fresh all of it is.
import type { Item, SourceItem, TableName, Tables } from "./model";
import type { Fact, Frame, Hello } from "./protocol";

const LOG_COUNT_MAX = 3000;
/** Without a tick for so long the screen must not be trusted. */
export const STALE_AFTER_MS = 3000;

type Listener = (changed: ReadonlySet<string>) => void;
type Delta = Extract<Frame, { t: "delta" }>;

export class Store {
  readonly tables = new Map<TableName, Map<number, Item>>();
  /** Newest last. */
  log: Fact[] = [];
  hello: Hello | null = null;
  /** Last seq applied here. */
  seq = 0;
  /** Hub's newest seq, as last told, and how many events still wait for the disk. */
  hubSeq = 0;
  backlog = 0;
  durable = 0;
  /** What the system itself says is wrong: recording stopped, or its two pictures differ. */
  trouble: "" | "stopped" | "digest" = "";
  troubleSeq = 0;
  tickAtMs = 0;
  isReady = false;
  /** The hub runs another program version than when this page was loaded. */
  isOutdated = false;
  sources: Partial<SourceItem>[] = [];
  /** Hub's clock minus ours. */
  private offsetUs = 0;
  private firstVersion = "";
  private inSnapshot = false;
  private seenInSnapshot = new Set<TableName>();
  private readonly listeners: Listener[] = [];

  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }
  private tell(...names: string[]): void {
    const changed = new Set(names);
    for (const listener of this.listeners) listener(changed);
  }

  table<N extends TableName>(name: N): Map<number, Tables[N]> {
    let table = this.tables.get(name);
    if (!table) {
      table = new Map();
      this.tables.set(name, table);
    }
    return table as Map<number, Tables[N]>;
  }
  find<N extends TableName>(name: N, id: number | undefined): Tables[N] | undefined {
    return id ? this.table(name).get(id) : undefined;
  }
  all<N extends TableName>(name: N): Tables[N][] {
    return [...this.table(name).values()];
  }

  nowUs(): number {
    return Date.now() * 1000 + this.offsetUs;
  }
  staleMs(): number {
    return this.tickAtMs ? Date.now() - this.tickAtMs : 0;
  }
  isStale(): boolean {
    return !this.isReady || this.staleMs() > STALE_AFTER_MS;
  }

  /** A new connection answered. */
  greet(hello: Hello): void {
    this.trouble = "";
    if (this.hello && (this.hello.world.uuid !== hello.world.uuid || this.hello.epoch !== hello.epoch)) {
      this.forget();
    }
    if (!this.firstVersion) this.firstVersion = hello.version ?? "";
    this.isOutdated = this.firstVersion !== (hello.version ?? "");
    this.hello = hello;
    // Only a tick says that the picture goes on; an answer to a new connection alone does not.
    const tickAtMs = this.tickAtMs;
    this.heard(hello.now, hello.seq);
    if (tickAtMs) this.tickAtMs = tickAtMs;
    this.tell("hello");
  }
  /** Everything known belongs to a history that no longer holds. */
  private forget(): void {
    this.tables.clear();
    this.log = [];
    this.seq = 0;
    this.isReady = false;
  }
  heard(nowUs: number, hubSeq: number): void {
    this.offsetUs = nowUs - Date.now() * 1000;
    this.tickAtMs = Date.now();
    this.hubSeq = Math.max(hubSeq, this.seq);
  }

  snap(name: TableName, items: Item[]): void {
    if (!this.inSnapshot) {
      this.inSnapshot = true;
      this.isReady = false;
      this.seenInSnapshot.clear();
    }
    const table = this.table(name) as Map<number, Item>;
    if (!this.seenInSnapshot.has(name)) {
      this.seenInSnapshot.add(name);
      table.clear();
    }
    for (const item of items) table.set(item.id, item);
    this.tell(name);
  }
  ready(seq: number): void {
    const changed: string[] = ["ready"];
    if (this.inSnapshot) {
      for (const [name, table] of this.tables) {
        if (!this.seenInSnapshot.has(name)) table.clear();
        changed.push(name);
      }
      this.inSnapshot = false;
    }
    this.seq = seq;
    this.hubSeq = Math.max(this.hubSeq, seq);
    this.isReady = true;
    this.tell(...changed);
  }
  /** The hub starts over with a snapshot. */
  resync(): void {
    this.inSnapshot = false;
    this.tell("hello");
  }

  /** False when there is a gap: what follows cannot be applied. */
  apply(delta: Delta): boolean {
    if (delta.seq <= this.seq && delta.from < this.seq) return true;
    if (delta.from !== this.seq) return false;
    const changed: string[] = [];
    for (const name of Object.keys(delta.set ?? {}) as TableName[]) {
      const table = this.table(name) as Map<number, Item>;
      for (const item of delta.set?.[name] ?? []) table.set(item.id, item);
      changed.push(name);
    }
    for (const name of Object.keys(delta.del ?? {}) as TableName[]) {
      for (const id of delta.del?.[name] ?? []) this.table(name).delete(id);
      changed.push(name);
    }
    this.seq = delta.seq;
    this.hubSeq = Math.max(this.hubSeq, delta.seq);
    this.isReady = true;
    if (delta.log?.length) {
      this.addLog(delta.log);
      changed.push("log");
    }
    this.tell(...changed);
    return true;
  }
  /** In any order: the hub's pages come newest first. */
  addLog(given: Fact[]): void {
    const facts = [...given].sort((a, b) => a.seq - b.seq);
    const last = this.log[this.log.length - 1]?.seq ?? 0;
    if (facts.every((fact) => fact.seq > last)) {
      this.log.push(...facts);
    } else {
      const bySeq = new Map(this.log.map((fact) => [fact.seq, fact]));
      for (const fact of facts) bySeq.set(fact.seq, fact);
      this.log = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
    }
    if (this.log.length > LOG_COUNT_MAX) this.log.splice(0, this.log.length - LOG_COUNT_MAX);
  }
  addHistory(facts: Fact[]): void {
    this.addLog(facts);
    this.tell("log");
  }

  tick(frame: Extract<Frame, { t: "tick" }>): void {
    this.heard(frame.now, frame.seq);
    this.backlog = frame.backlog ?? 0;
    this.durable = frame.durable ?? frame.seq;
    if (frame.stopped) this.trouble = "stopped";
    if (frame.sources) this.sources = frame.sources;
    this.tell("tick");
  }
  /** The hub found something wrong with itself. */
  fail(what: string, seq: number): void {
    this.trouble = what === "digest" ? "digest" : "stopped";
    this.troubleSeq = seq;
    this.tell("tick");
  }
  /** Sources as the table knows them, with what the last tick said newer. */
  sourceList(): SourceItem[] {
    const list = new Map<number, SourceItem>();
    for (const source of this.all("source")) list.set(source.id, source);
    for (const told of this.sources) {
      const id = told.id ?? this.all("source").find((s) => s.name === told.name)?.id;
      if (id !== undefined) list.set(id, { ...list.get(id), ...told, id });
    }
    return [...list.values()];
  }
}

export const store = new Store();
