// SPDX-License-Identifier: Apache-2.0
// Bundles the console into dist/: three files and no address outside the hub.
import { build } from "esbuild";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const dist = new URL("dist/", import.meta.url);
await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });

await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: { console: "src/main.ts", style: "src/style/index.css" },
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: ["es2022"],
  minify: true,
  sourcemap: false,
  legalComments: "linked",
  logLevel: "warning",
});
await cp(new URL("src/favicon.svg", import.meta.url), new URL("favicon.svg", dist));

// The page names its files with a hash, so that a browser may keep them for ever.
const page = await readFile(new URL("src/index.html", import.meta.url), "utf8");
const mark = async (name) =>
  createHash("sha256")
    .update(await readFile(new URL(name, dist)))
    .digest("hex")
    .slice(0, 10);
await writeFile(
  new URL("index.html", dist),
  page
    .replace("console.js", `console.js?v=${await mark("console.js")}`)
    .replace("style.css", `style.css?v=${await mark("style.css")}`),
);

for (const name of ["index.html", "console.js", "style.css", "favicon.svg"]) {
  const bytes = await readFile(new URL(name, dist));
  const { size } = await stat(new URL(name, dist));
  console.log(`${name.padEnd(12)} ${String(size).padStart(8)} bytes, ${gzipSync(bytes).length} gzip`);
}
