// SPDX-License-Identifier: Apache-2.0
// What must hold on any hub, the stub or the real program: shared by console.test.mjs and story.test.mjs.
import assert from "node:assert/strict";

/** The page came up logged in, with a clock that runs and no address outside. */
export async function assertAlive(page) {
  await page.waitForSelector("#queue h2");
  await page.waitForFunction(() => /#\d+/.test(document.querySelector(".seq")?.textContent ?? ""));
  const first = await page.textContent(".clock b");
  await page.waitForFunction((text) => document.querySelector(".clock b").textContent !== text, first, {
    timeout: 3000,
  });
  assert.equal(await page.locator(".banner.stale").count(), 0);
  assert.deepEqual(page.outside, []);
  assert.deepEqual(page.problems, []);
}
/** Nothing is wider than the window, and no pane is wider than its place. */
export async function assertFits(page) {
  const wide = await page.evaluate(() => {
    const list = [
      "html",
      "#top",
      "#queue",
      "#incident",
      "#centre",
      "#bottom",
      ".lines",
      ".incident-body",
    ].map((name) => document.querySelector(name));
    return list
      .filter((item) => item && item.scrollWidth > item.clientWidth + 1)
      .map((item) => `${item.id || item.className} ${item.scrollWidth} > ${item.clientWidth}`);
  });
  assert.deepEqual(wide, []);
}
/** No key such as incident.place stands where a text should be. */
export async function assertTranslated(page, lang) {
  const texts = await page.evaluate(() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walk.nextNode()) found.push(walk.currentNode.nodeValue.trim());
    for (const item of document.querySelectorAll("[title],[placeholder],[aria-label]")) {
      found.push(item.title, item.placeholder ?? "", item.getAttribute("aria-label") ?? "");
    }
    return found;
  });
  const keys = texts.filter((text) =>
    /^(app|top|queue|incident|reports|rec|order|log|units|map|act|dialog|result|command|cmd|intake|help|event|role|code|cases|incidents)\.[a-z_.]+$/.test(
      text,
    ),
  );
  assert.deepEqual(keys, []);
  if (lang === "en") {
    const labels = await page.evaluate(() =>
      [...document.querySelectorAll("button:not(.lang), h3, th, dt, .kind, kbd")].map(
        (item) => item.textContent,
      ),
    );
    assert.deepEqual(
      labels.filter((text) => /[一-鿿]/.test(text) && !/\d{8}/.test(text)),
      [],
    );
  }
}
/** Counts the keys a person would press. */
export function typist(page) {
  const self = { count: 0 };
  self.press = async (key) => {
    self.count++;
    await page.keyboard.press(key);
  };
  self.type = async (text) => {
    self.count += text.length;
    await page.keyboard.type(text);
  };
  return self;
}
