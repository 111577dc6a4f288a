// SPDX-License-Identifier: Apache-2.0
// The built console in a real browser, against the stub hub.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromiumPath, launch, logIn, openPage } from "./browser.mjs";
import { assertAlive, assertFits, assertTranslated, typist } from "./story.mjs";
import { now } from "./stub-district.mjs";
import { StubHub } from "./stub-server.mjs";

const isBuilt = existsSync(new URL("../../clients/console/dist/console.js", import.meta.url));
const skip = !chromiumPath
  ? "no chromium found (set TOCSIN_CHROMIUM)"
  : !isBuilt
    ? "clients/console/dist is not built"
    : false;
let browser;
const hubs = [];
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => {
  await browser?.close();
  for (const hub of hubs) hub.close();
});

async function start({ user = "duty", hub: hubOptions = {}, ...pageOptions } = {}) {
  const hub = new StubHub(hubOptions);
  hubs.push(hub);
  const url = await hub.listen();
  const page = await openPage(browser, url, pageOptions);
  await logIn(page, user, "secret");
  return { hub, page };
}
const commandsOf = (hub, name) => hub.commands.filter((command) => command.name === name);
/** Waits until the stub took so many commands of a name. */
async function taken(hub, name, count = 1) {
  for (let i = 0; i < 100 && commandsOf(hub, name).length < count; i++)
    await new Promise((done) => setTimeout(done, 20));
  return commandsOf(hub, name);
}
const line = (page, kind) => page.locator(`#queue .line[id^="q-${kind}:"]`);

test("a wrong password is told, the right one shows the snapshot", { skip }, async () => {
  const hub = new StubHub();
  hubs.push(hub);
  const page = await openPage(browser, await hub.listen());
  await page.fill('input[name="user"]', "duty");
  await page.fill('input[name="password"]', "wrong");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".problem");
  await logIn(page, "duty", "secret");
  await assertAlive(page);
  assert.match(await page.textContent(".brand"), /福田区/);
  assert.equal(await page.textContent(".sample"), "样例数据");
  assert.equal(await line(page, "question").count(), 1);
  assert.equal(await line(page, "order").count(), 2);
  assert.match(await page.textContent("#bottom .log"), /20261121-0042 立案/);
  await page.context().close();
});

test("an alarm stands on the screen within 200 ms of its frame", { skip }, async (context) => {
  const { hub, page } = await start();
  await page.evaluate(() => {
    window.arrived = {};
    new MutationObserver(() => {
      for (const item of document.querySelectorAll('#queue .line[id^="q-alarm:"]'))
        window.arrived[item.id] ??= Date.now();
    }).observe(document.getElementById("queue"), { subtree: true, childList: true });
  });
  const delays = [];
  for (let i = 0; i < 5; i++) {
    const id = hub.nextId();
    hub.put("alarm", {
      id,
      kind: "water_level",
      level: "danger",
      sensor: hub.sensor,
      raised_us: now(),
      place_zh: "红岭下沉隧道",
    });
    const sentMs = Date.now();
    hub.flush();
    await page.waitForFunction((name) => window.arrived[name], `q-alarm:${id}`, { timeout: 2000 });
    delays.push((await page.evaluate((name) => window.arrived[name], `q-alarm:${id}`)) - sentMs);
  }
  context.diagnostic(`delays ${delays.join(", ")} ms`);
  assert.ok(delays.sort((a, b) => a - b)[2] < 200, `median of ${delays} ms`);
  assert.ok(
    await page
      .locator("#queue .line")
      .first()
      .evaluate((item) => item.classList.contains("u-now")),
  );
  await page.context().close();
});

test("a question is answered by one key and leaves the queue in sight", { skip }, async () => {
  const { hub, page } = await start();
  await page.keyboard.press("y");
  const [command] = await taken(hub, "question.answer");
  assert.deepEqual(command.body, { question: hub.question, answer: "yes" });
  assert.ok(command.seen > 0 && command.seen <= hub.seq);
  await page.waitForFunction(() => !document.querySelector('#queue .lines [id^="q-question:"]'));
  assert.match(await page.textContent(".left-lines"), /派两台排涝车/);
  await page.context().close();
});

test(
  "from the queue to units sent: by keyboard, previewed, with each unit's result",
  { skip },
  async (context) => {
    const { hub, page } = await start();
    const keys = typist(page);
    for (let i = 0; i < 12 && !(await page.locator('.line.is-chosen[id^="q-incident:"]').count()); i++) {
      const before = await page
        .locator(".line.is-chosen")
        .getAttribute("id", { timeout: 50 })
        .catch(() => "");
      await keys.press("ArrowDown");
      await page.waitForFunction((id) => document.querySelector(".line.is-chosen")?.id !== id, before);
    }
    await keys.press("Enter");
    await page.waitForSelector(".incident-head");
    assert.match(await page.textContent(".incident-head"), /20261121-0042/);
    await keys.press("5");
    await keys.press("s");
    await page.waitForSelector(".dialog");
    assert.match(await page.textContent(".dialog h2"), /^将派 2 个力量：P01 4 分钟 · P02 6 分钟$/);
    assert.equal(commandsOf(hub, "units.send").length, 0, "nothing leaves before the preview is confirmed");
    await keys.press("Enter");
    const [command] = await taken(hub, "units.send");
    const signs = command.body.units.map((id) => hub.tables.unit.get(id).call_sign);
    assert.deepEqual(signs, ["P01", "P02"]);
    assert.equal(command.body.incident, hub.incident);
    await page.waitForFunction(() =>
      /P01：已接令/.test(document.querySelector("#outcomes")?.textContent ?? ""),
    );
    assert.match(await page.textContent("#outcomes"), /P02：已送达/);
    assert.ok(keys.count <= 45, `${keys.count} keys`);
    context.diagnostic(`${keys.count} keys`);
    const typed = typist(page);
    await typed.press("/");
    await typed.type("send P03 l0");
    await typed.press("Tab");
    await page.keyboard.type("2");
    await typed.press("Enter");
    await page.waitForSelector(".dialog");
    assert.match(await page.textContent(".dialog h2"), /P03 .* L02/);
    await page.keyboard.press("Escape");
    assert.equal(commandsOf(hub, "units.send").length, 1);
    await page.context().close();
  },
);

test("a wrong word is refused, never guessed", { skip }, async () => {
  const { hub, page } = await start();
  await page.keyboard.press("/");
  await page.keyboard.type("status P01 en");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".command-note");
  assert.equal(hub.commands.length, 0);
  await page.context().close();
});

test("a stale refusal says who and what", { skip }, async () => {
  const { hub, page } = await start({ lang: "en" });
  hub.refuse["incident.claim"] = { why: "stale", detail: "claimed by Li", stale_seq: 1234 };
  await page.keyboard.press("/");
  await page.keyboard.type("goto 0042");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".incident-head");
  await page.keyboard.press("c");
  await page.waitForSelector(".outcome.refused");
  assert.match(
    await page.textContent(".outcome.refused"),
    /changed after you had seen it.*claimed by Li #1234/,
  );
  await page.context().close();
});

test("when ticks stop the screen says so, takes no action, and comes back by resume", { skip }, async () => {
  const { hub, page } = await start();
  hub.isTicking = false;
  await page.waitForSelector(".banner.stale", { timeout: 6000 });
  assert.match(await page.textContent(".banner.stale"), /数据已停更 \d+ 秒/);
  await page.keyboard.press("y");
  assert.equal(hub.commands.length, 0);
  assert.ok(await page.locator("#queue .act").first().isDisabled());
  hub.dropAll();
  const id = hub.nextId();
  hub.put("alarm", { id, kind: "fire", level: "danger", raised_us: now(), place_zh: "梅林" });
  hub.flush();
  hub.isTicking = true;
  await page.waitForSelector(`#queue [id="q-alarm:${id}"]`, { timeout: 8000 });
  await page.waitForFunction(() => !document.querySelector(".banner.stale"), null, { timeout: 8000 });
  assert.equal(hub.lastResumed, true, "resumed by seq, without a snapshot");
  await page.keyboard.press("y");
  assert.equal((await taken(hub, "question.answer")).length, 1);
  await page.context().close();
});

test("a delta that does not fit makes a new snapshot, not a wrong picture", { skip }, async () => {
  const { hub, page } = await start();
  hub.told += 1;
  const id = hub.nextId();
  hub.put("alarm", { id, kind: "fire", level: "danger", raised_us: now() });
  hub.flush();
  await page.waitForSelector(`#queue [id="q-alarm:${id}"]`, { timeout: 8000 });
  assert.equal(hub.lastResumed, false);
  await page.context().close();
});

test("another program version asks for a reload", { skip }, async () => {
  const { hub, page } = await start();
  hub.version = "0.2.0";
  hub.dropAll();
  await page.waitForSelector(".banner.outdated", { timeout: 8000 });
  await page.context().close();
});

test("both languages leave no key on the screen", { skip }, async () => {
  const { page } = await start({ size: [1366, 768] });
  for (const number of ["0041", "0042"]) {
    await page.keyboard.press("/");
    await page.keyboard.type(`goto ${number}`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".incident-head");
    for (let i = 0; i < 4; i++) {
      await assertTranslated(page, "zh");
      await assertFits(page);
      await page.keyboard.press("u");
    }
    await page.keyboard.press("Shift+L");
    await page.waitForFunction(() => document.querySelector("#queue h2").textContent.startsWith("Needs you"));
    for (let i = 0; i < 4; i++) {
      await assertTranslated(page, "en");
      await assertFits(page);
      await page.keyboard.press("u");
    }
    await page.keyboard.press("?");
    await page.waitForSelector(".help");
    await assertTranslated(page, "en");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Shift+L");
  }
  await assertAlive(page);
  await page.context().close();
});

test("what a report says stays text", { skip }, async () => {
  const { hub, page } = await start();
  const evil = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>{by}';
  hub.put("report", {
    id: hub.nextId(),
    channel: "phone",
    text: evil,
    place_zh: evil,
    received_us: now(),
    incident: hub.incident,
  });
  hub.put("report", { id: hub.nextId(), channel: "phone", text: evil, received_us: now() });
  hub.log("incident.noted", hub.incident, { text: evil, by: evil });
  hub.flush();
  await page.keyboard.press("/");
  await page.keyboard.type("goto 0042");
  await page.keyboard.press("Enter");
  await page.waitForFunction(
    (text) => [...document.querySelectorAll(".report .said")].some((item) => item.textContent === text),
    evil,
  );
  assert.ok((await page.locator("#queue .title").allTextContents()).includes(evil));
  assert.ok((await page.textContent("#bottom .log")).includes(evil));
  assert.equal(await page.evaluate(() => window.broken ?? document.querySelectorAll("#app img").length), 0);
  await page.context().close();
});

test("an observer sees everything and is offered nothing", { skip }, async () => {
  const { hub, page } = await start({ user: "look" });
  await page.keyboard.press("/");
  await page.keyboard.type("goto 0042");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".incident-head");
  assert.equal(await page.locator(".act").count(), 0);
  for (const key of ["y", "s", "c", "a"]) await page.keyboard.press(key);
  assert.equal(hub.commands.length, 0);
  await page.context().close();
});

test("an exercise is unmistakable", { skip }, async () => {
  const { page } = await start({ hub: { isExercise: true }, lang: "en" });
  assert.match(await page.textContent(".banner.exercise"), /EXERCISE/);
  await page.context().close();
});

test("two thousand moving units leave the keys quick", { skip }, async (context) => {
  const { page } = await start({ hub: { units: 2000, moving: 2000 } });
  await page.waitForFunction(() =>
    /2000/.test(document.querySelector(".map-tools .shown")?.textContent ?? ""),
  );
  const times = [];
  for (let i = 0; i < 10; i++) {
    times.push(
      await page.evaluate(
        async (key) => {
          const startMs = performance.now();
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          return performance.now() - startMs;
        },
        i % 2 ? "ArrowUp" : "ArrowDown",
      ),
    );
    await page.waitForTimeout(130);
  }
  times.sort((a, b) => a - b);
  context.diagnostic(`key to painted frame, ms: median ${times[5].toFixed(0)}, worst ${times[9].toFixed(0)}`);
  assert.ok(times[5] < 150);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});
