// SPDX-License-Identifier: Apache-2.0
// The same console against the real program. Skipped unless it is told where that runs:
//   TOCSIN_URL=http://127.0.0.1:8080 TOCSIN_USER=duty TOCSIN_PASSWORD=… node --test story.test.mjs
// Start the program with its sample district and the simulators first; the user must be an officer.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromiumPath, launch, logIn, openPage } from "./browser.mjs";
import { assertAlive, assertFits, assertTranslated } from "./story.mjs";

const { TOCSIN_URL, TOCSIN_USER, TOCSIN_PASSWORD } = process.env;
const skip = !chromiumPath
  ? "no chromium found (set TOCSIN_CHROMIUM)"
  : !TOCSIN_URL || !TOCSIN_USER || !TOCSIN_PASSWORD
    ? "TOCSIN_URL, TOCSIN_USER and TOCSIN_PASSWORD are not set"
    : false;
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

test("the console comes up on the real program", { skip }, async () => {
  const page = await openPage(browser, TOCSIN_URL, { size: [1366, 768] });
  await logIn(page, TOCSIN_USER, TOCSIN_PASSWORD);
  await assertAlive(page);
  for (let i = 0; i < 4; i++) {
    await assertFits(page);
    await assertTranslated(page, "zh");
    await page.keyboard.press("u");
  }
  await page.keyboard.press("Shift+L");
  await assertTranslated(page, "en");
  await page.keyboard.press("Shift+L");
  await page.context().close();
});

test(
  "a report taken down comes back as a fact and stands in the queue or in an incident",
  { skip },
  async () => {
    const page = await openPage(browser, TOCSIN_URL);
    await logIn(page, TOCSIN_USER, TOCSIN_PASSWORD);
    const words = `测试接报 ${Date.now()}`;
    await page.keyboard.press("r");
    await page.waitForSelector(".intake textarea");
    await page.keyboard.type(words);
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector(".outcome.ok", { timeout: 5000 });
    await page.waitForFunction(
      (text) => document.querySelector("#bottom .log").textContent.includes(text),
      words,
      { timeout: 5000 },
    );
    assert.deepEqual(page.problems, []);
    await page.context().close();
  },
);
