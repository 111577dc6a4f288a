// SPDX-License-Identifier: Apache-2.0
// Puts the page together: log-in, one link to the hub, panes that are drawn when what they show changed.
import { connection } from "./connection";
import { h, patch, type Child } from "./dom";
import { t } from "./i18n";
import { onKey } from "./keys";
import { MapPane } from "./map/map";
import type { Fact } from "./protocol";
import { currentQueue } from "./queue";
import { allowSound, ring } from "./sound";
import { store } from "./store";
import { ui } from "./ui";
import { bottomPane } from "./view/bottom";
import { incidentPane } from "./view/incident";
import { intakeView } from "./view/intake";
import { commandView, dialogView, helpView, loginView, outcomesView } from "./view/overlays";
import { queuePane, showChosen } from "./view/queue";
import { banners, topBar } from "./view/topbar";
import { unitCard } from "./view/unitcard";

const HISTORY_FACTS = 300;
/** Tables whose changes are shown in the next frame; the others wait for the next slow one. */
const URGENT = [
  "alarm",
  "question",
  "incident",
  "order",
  "assignment",
  "report",
  "recommendation",
  "clock",
  "run",
  "hello",
  "ready",
  "log",
  "closure",
  "case",
];
const SLOW_MS = 500;

const app = document.getElementById("app") as HTMLElement;
let map: MapPane | null = null;
let problem = "";
let isLoggedIn = false;
let isDrawPlanned = false;
let isSlowDue = false;
let shownQueueKey = "";
let hasHistory = false;

function pane(name: string, children: () => Child[]): void {
  const element = document.getElementById(name);
  if (element) patch(element, children());
}
function drawAll(): void {
  if (!isLoggedIn) {
    patch(
      app,
      loginView((user, password) => void login(user, password), problem),
    );
    return;
  }
  pane("top", () => topBar(() => void logout()));
  pane("banners", banners);
  pane("queue", queuePane);
  pane("incident", incidentPane);
  pane("bottom", bottomPane);
  pane("unit", unitCard);
  pane("command-line", commandView);
  pane("overlay", () => [...dialogView(), ...helpView(), ...intakeView()]);
  pane("outcomes", outcomesView);
  if (shownQueueKey !== ui.queueKey) {
    shownQueueKey = ui.queueKey;
    showChosen();
  }
  map?.draw();
  document.body.classList.toggle("takes-report", ui.isIntakeOpen);
  document.body.classList.toggle("is-stale", store.isStale() && store.isReady);
}
/** One frame for everything that changed since the last; a timer when the page is in the background. */
function plan(): void {
  if (isDrawPlanned) return;
  isDrawPlanned = true;
  let isDone = false;
  const draw = (): void => {
    if (isDone) return;
    isDone = true;
    isDrawPlanned = false;
    drawAll();
  };
  requestAnimationFrame(draw);
  setTimeout(draw, 100);
}

function buildFrame(): void {
  patch(app, [
    h(
      "div",
      { key: "frame", class: "frame" },
      h("header", { id: "top", foreign: true }),
      h("div", { id: "banners", foreign: true }),
      h("aside", { id: "queue", foreign: true, "aria-label": t("queue.title") }),
      h(
        "main",
        { id: "centre" },
        h("div", { id: "map", foreign: true, tabindex: 0, "aria-label": t("map.title") }),
        h("div", { id: "unit", foreign: true }),
        h("section", { id: "bottom", foreign: true }),
      ),
      h("aside", { id: "incident", foreign: true }),
      h("footer", { id: "command-line", foreign: true }),
      h("div", { id: "outcomes", foreign: true }),
      h("div", { id: "overlay", foreign: true }),
    ),
  ]);
  const target = document.getElementById("map");
  if (target) {
    map = new MapPane(target);
    new ResizeObserver(() => map?.resize()).observe(target);
  }
}

async function login(user: string, password: string): Promise<void> {
  try {
    const response = await fetch("/api/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user, password }),
    });
    problem = response.ok ? "" : "login.wrong";
    if (response.ok) enter();
    else plan();
  } catch {
    problem = "login.failed";
    plan();
  }
}
async function logout(): Promise<void> {
  connection.stop();
  try {
    await fetch("/api/logout", { method: "POST" });
  } finally {
    location.reload();
  }
}
function enter(): void {
  isLoggedIn = true;
  buildFrame();
  connection.start();
  plan();
}
/** The newest facts, or those about one thing. */
async function loadHistory(subject = 0): Promise<void> {
  try {
    const about = subject ? `&subject=${subject}` : "";
    const response = await fetch(`/api/log?before=${store.seq + 1}&limit=${HISTORY_FACTS}${about}`);
    if (!response.ok) return;
    const answer = (await response.json()) as Fact[] | { log?: Fact[] };
    store.addHistory(Array.isArray(answer) ? answer : (answer.log ?? []));
  } catch {
    hasHistory = false;
  }
}

store.onChange((changed) => {
  if (changed.has("ready") && !hasHistory) {
    hasHistory = true;
    void loadHistory();
  }
  if (store.isReady && ["alarm", "question", "order", "clock", "ready"].some((name) => changed.has(name)))
    ring(currentQueue().lines);
  if (URGENT.some((name) => changed.has(name))) plan();
  else isSlowDue = true;
});
ui.onChange(plan);
ui.loadFacts = (subject) => void loadHistory(subject);
connection.onState = plan;
connection.onLoggedOut = () => location.reload();
setInterval(() => {
  if (!isSlowDue || !isLoggedIn) return;
  isSlowDue = false;
  plan();
}, SLOW_MS);
setInterval(() => {
  connection.watch();
  if (isLoggedIn) plan();
}, 1000);
document.addEventListener("keydown", (event) => {
  allowSound();
  if (isLoggedIn) onKey(event);
});
document.addEventListener("pointerdown", () => allowSound());
document.documentElement.dataset["theme"] = ui.theme;

async function begin(): Promise<void> {
  try {
    const me = await fetch("/api/me");
    if (me.ok) return enter();
  } catch {
    problem = "login.failed";
  }
  plan();
}
void begin();
