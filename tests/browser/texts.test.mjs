// SPDX-License-Identifier: Apache-2.0
// Both languages say everything, and every enum value, event and command field of the program has a text.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { after, test } from "node:test";

const CONSOLE = fileURLToPath(new URL("../../clients/console/", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "tocsin-texts-"));
after(() => rmSync(out, { recursive: true }));

/** A module of the console, bundled for node. */
async function load(name) {
  const file = join(out, name.replaceAll("/", "_").replace(".ts", ".mjs"));
  execFileSync(join(CONSOLE, "node_modules/.bin/esbuild"), [
    join(CONSOLE, "src", name),
    "--bundle",
    "--format=esm",
    `--outfile=${file}`,
    "--log-level=error",
  ]);
  return import(pathToFileURL(file).href);
}
const { zh } = await load("i18n/zh.ts");
const { en } = await load("i18n/en.ts");

/** Enums and kinds read from the .def file itself, not from what the console generated of it. */
const events = readFileSync(join(ROOT, "core/event/events.def"), "utf8");
const enums = [...events.matchAll(/^enum "(\w+)" \{([^}]*)\}/gm)].map(([, name, values]) => [
  name,
  [...values.matchAll(/"(\w+)"/g)].map((match) => match[1]),
]);
const kinds = [...events.matchAll(/^event\(\d+, "([\w.]+)"/gm)].map((match) => match[1]);

test("both languages have the same keys and no empty text", () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const [key, text] of [...Object.entries(zh), ...Object.entries(en)])
    assert.ok(text.trim() || text === ", ", key);
});

test("every enum value of events.def has a text", () => {
  assert.ok(enums.length >= 18, "enums found in events.def");
  for (const [name, values] of enums) {
    for (const value of values) assert.ok(zh[`${name}.${value}`], `${name}.${value}`);
  }
});

test("every kind of event has a sentence", () => {
  assert.ok(kinds.length > 80, "events found in events.def");
  for (const kind of kinds) assert.ok(zh[`event.${kind}`] && en[`event.${kind}`], kind);
});

test("placeholders of a text are the same in both languages, apart from the language's own field", () => {
  const names = (text) =>
    [...text.matchAll(/\{(\w+)\}/g)]
      .map((match) => match[1].replace(/_(zh|en)$/, ""))
      .sort()
      .join();
  for (const key of Object.keys(zh)) assert.equal(names(zh[key]), names(en[key]), key);
});

test("every command has a name", () => {
  const commands = readFileSync(join(ROOT, "core/event/commands.def"), "utf8");
  for (const [, name] of commands.matchAll(/^command\(\d+, "([\w.]+)"/gm))
    assert.ok(zh[`command_name.${name}`] && en[`command_name.${name}`], name);
});

test("every code that dispatch can give has a text", () => {
  const file = readFileSync(join(ROOT, "dispatch/codes.c"), "utf8");
  const groups = { refusals: "refused", "how things ended": "why" };
  let group = "";
  for (const [, section, code] of file.matchAll(/^ {4}(?:\/\* (.+) \*\/|\{"(\w+)",)/gm)) {
    if (section) group = groups[section] ?? "reason";
    else assert.ok(zh[`${group}.${code}`], `${group}.${code}`);
  }
  assert.ok(group, "codes found in dispatch/codes.c");
});

test("sentences name only fields that the event has", () => {
  const made = new Set(["subject", "place", "question", "recipient", "text"]);
  const fieldsOf = (kind) => {
    const start = events.indexOf(`"${kind}"`);
    const end = events.indexOf("\nevent(", start);
    return new Set(
      [...events.slice(start, end < 0 ? undefined : end).matchAll(/\{ "(\w+)", "/g)].map((match) => match[1]),
    );
  };
  for (const kind of kinds) {
    for (const [, name] of zh[`event.${kind}`].matchAll(/\{(\w+)\}/g)) {
      assert.ok(made.has(name) || fieldsOf(kind).has(name), `${kind}: {${name}}`);
    }
  }
});

test("every key that the source names exists", () => {
  const files = readdirSync(join(CONSOLE, "src"), { recursive: true }).filter(
    (name) => name.endsWith(".ts") && !name.includes("i18n"),
  );
  for (const file of files) {
    const text = readFileSync(join(CONSOLE, "src", file), "utf8");
    for (const [, key] of text.matchAll(/\bt\("([\w.]+)"/g)) assert.ok(key in zh, `${file}: ${key}`);
  }
});

test("the generated model is what the .def files say", (context) => {
  const model = readFileSync(join(CONSOLE, "src/model.ts"), "utf8");
  for (const [name, values] of enums)
    assert.ok(model.includes(`  ${name}: ["${values.join('", "')}"],`), name);
  for (const kind of kinds) assert.ok(model.includes(`  "${kind}": {`), kind);
  const world = readFileSync(join(ROOT, "dispatch/world.def"), "utf8");
  for (const [, name] of world.matchAll(/^model "(\w+)"/gm)) assert.ok(model.includes(`  ${name}: `), name);
  context.diagnostic(`${kinds.length} kinds, ${enums.length} enums`);
});
