// SPDX-License-Identifier: Apache-2.0
// The one WebSocket: resumes by seq, comes back by itself, and keeps commands until they are answered.
import type { Command, Frame, Result } from "./protocol";
import { store } from "./store";

const BACKOFF_MS = [250, 500, 1000, 2000, 5000];
/** A link that stays dumb for so long is dropped and made anew. */
const DUMB_MS_MAX = 6000;

export type LinkState = "connecting" | "open" | "waiting" | "logged_out";

class Connection {
  state: LinkState = "connecting";
  onState: () => void = () => undefined;
  onLoggedOut: () => void = () => undefined;
  private socket: WebSocket | null = null;
  private tries = 0;
  private openedAtMs = 0;
  private retryTimer = 0;
  private mayResume = true;
  private readonly waiting = new Map<string, { frame: Command; done: (result: Result) => void }>();

  start(): void {
    this.stop();
    this.state = "connecting";
    this.openedAtMs = Date.now();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws`);
    this.socket = socket;
    socket.onopen = () => this.opened(socket);
    socket.onmessage = (event) => {
      if (socket === this.socket) this.take(JSON.parse(event.data as string) as Frame);
    };
    socket.onclose = () => {
      if (socket === this.socket) void this.lost();
    };
    this.onState();
  }
  stop(): void {
    clearTimeout(this.retryTimer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
  /** Called every second: a link that says nothing is as bad as none. */
  watch(): void {
    if (!this.socket || this.state === "waiting") return;
    const quiet = Date.now() - Math.max(store.tickAtMs, this.openedAtMs);
    if (quiet > DUMB_MS_MAX) void this.lost();
  }

  send(name: string, body: Record<string, unknown>, seen: number): Promise<Result> {
    const frame: Command = { t: "command", id: newId(), name, seen, body };
    return new Promise((done) => {
      this.waiting.set(frame.id, { frame, done });
      this.write(frame);
    });
  }
  private write(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private opened(socket: WebSocket): void {
    const epoch = store.hello?.epoch ?? 0;
    const seq = this.mayResume && store.isReady ? store.seq : 0;
    this.mayResume = true;
    socket.send(JSON.stringify({ t: "resume", epoch, seq }));
  }
  private async lost(): Promise<void> {
    this.stop();
    this.state = "waiting";
    this.onState();
    const wait = BACKOFF_MS[Math.min(this.tries++, BACKOFF_MS.length - 1)] ?? 5000;
    this.retryTimer = window.setTimeout(() => void this.retry(), wait);
  }
  private async retry(): Promise<void> {
    try {
      const me = await fetch("/api/me");
      if (me.status === 401 || me.status === 403) {
        this.state = "logged_out";
        this.onState();
        this.onLoggedOut();
        return;
      }
    } catch {
      void this.lost();
      return;
    }
    this.start();
  }

  private take(frame: Frame): void {
    switch (frame.t) {
      case "hello":
        this.state = "open";
        this.tries = 0;
        store.greet(frame);
        this.onState();
        // A repeat of the same id gets the first answer, so asking again is safe.
        for (const { frame: command } of this.waiting.values()) this.write(command);
        break;
      case "snap":
        store.snap(frame.table, frame.items);
        break;
      case "ready":
        store.ready(frame.seq);
        this.write({ t: "ack", seq: frame.seq });
        break;
      case "delta":
        if (store.apply(frame)) {
          this.write({ t: "ack", seq: store.seq });
        } else {
          this.mayResume = false;
          this.start();
        }
        break;
      case "tick":
        store.tick(frame);
        break;
      case "fault":
        store.fail(frame.what, frame.seq);
        break;
      case "resync":
        store.resync();
        break;
      case "result": {
        const command = this.waiting.get(frame.id);
        this.waiting.delete(frame.id);
        command?.done(frame);
        break;
      }
    }
  }
}

function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const connection = new Connection();
