// SPDX-License-Identifier: Apache-2.0
// The frames between console and hub, as docs/architecture.md states them.
import type { Role, SourceItem, TableName, Tables } from "./model";

/** An entry of the journal with its header. */
export interface Fact {
  seq: number;
  at: number;
  occurred?: number;
  kind: string;
  source?: number;
  subject?: number;
  cause?: number;
  body?: Record<string, unknown>;
}
export type Changes = { [N in TableName]?: Tables[N][] };

export interface Hello {
  t: "hello";
  world: { uuid: string; is_exercise?: boolean };
  epoch: number;
  seq: number;
  user: string;
  role: Role;
  site?: { zh?: string; en?: string };
  is_sample?: boolean;
  version?: string;
  now: number;
}
export interface Tick {
  t: "tick";
  now: number;
  seq: number;
  durable?: number;
  backlog?: number;
  stopped?: string;
  sources?: Partial<SourceItem>[];
}
export interface Result {
  t: "result";
  id: string;
  ok: boolean;
  seq?: number;
  why?: string;
  detail?: string;
  stale_seq?: number;
}
export type Frame =
  | Hello
  | Tick
  | Result
  | { t: "snap"; table: TableName; items: Tables[TableName][]; done?: boolean }
  | { t: "ready"; seq: number }
  | {
      t: "delta";
      from: number;
      seq: number;
      at: number;
      set?: Changes;
      del?: { [N in TableName]?: number[] };
      log?: Fact[];
    }
  | { t: "fault"; what: string; seq: number; detail: string }
  | { t: "resync" };

export interface Command {
  t: "command";
  id: string;
  name: string;
  seen: number;
  body: Record<string, unknown>;
}
