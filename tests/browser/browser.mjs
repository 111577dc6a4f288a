// SPDX-License-Identifier: Apache-2.0
// One headless chromium that asks nobody outside, and pages that are logged in.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PATHS = [process.env.TOCSIN_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
export const chromiumPath = PATHS.find((path) => path && existsSync(path));
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-accelerated-2d-canvas",
  "--disable-gpu-rasterization",
];

export function launch() {
  return chromium.launch({ executablePath: chromiumPath, args: FLAGS });
}
/** A page that remembers what went wrong on it and where it asked. */
export async function openPage(browser, url, { size = [1920, 1080], lang = "zh", theme = "night" } = {}) {
  const context = await browser.newContext({
    viewport: { width: size[0], height: size[1] },
    locale: lang === "zh" ? "zh-CN" : "en-GB",
  });
  await context.addInitScript(
    ([language, colours]) => {
      if (!localStorage.getItem("tocsin.lang")) localStorage.setItem("tocsin.lang", language);
      if (!localStorage.getItem("tocsin.theme")) localStorage.setItem("tocsin.theme", colours);
    },
    [lang, theme],
  );
  const page = await context.newPage();
  page.problems = [];
  page.outside = [];
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 40[14]|ERR_CONNECTION|WebSocket/.test(message.text()))
      page.problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) page.outside.push(request.url());
  });
  await page.goto(url);
  return page;
}
export async function logIn(page, user, password) {
  await page.fill('input[name="user"]', user);
  await page.fill('input[name="password"]', password);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#queue .line, #queue .empty");
  await page.waitForFunction(() => /#[1-9]/.test(document.querySelector(".seq")?.textContent ?? ""));
}
