// Bundles what pages load into webapi/static/dist: each entry is a file of this folder, and becomes NAME.js (and .css).
import { build } from "esbuild";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const DIST = new URL("../../static/dist/", import.meta.url);
const ENTRIES = ["htmx", "diagram", "modeler", "tables", "writing"];

// CodeMirror writes a <style> into a page's head, which our policy forbids; for a shadow root it takes a sheet made by
// script, which it allows. Let it always do that.
const SHEETS = {
  name: "sheets", setup: (build) => build.onLoad({ filter: /style-mod\.js$/ }, async ({ path }) => {
    const [before, after, ...more] = (await readFile(path, "utf8")).split("!root.head && root.adoptedStyleSheets");
    if (after === undefined || more.length) throw new Error(`${path} is written in another way by now`);
    return { contents: `${before}root.adoptedStyleSheets${after}` };
  }),
};

await rm(DIST, { recursive: true, force: true });
const done = await build({
  entryPoints: ENTRIES.map((name) => `${name}.js`),
  bundle: true, minify: true, metafile: true, format: "iife",
  outdir: fileURLToPath(DIST), // a pathname is another one where there are blanks or accents
  target: ["chrome109", "firefox115", "safari16"], // the last browsers for Windows 7 and 8.1
  alias: { domify: "./domify.js" }, plugins: [SHEETS],
  loader: { ".woff": "dataurl", ".woff2": "dataurl", ".ttf": "dataurl", ".eot": "empty", ".svg": "dataurl" },
});

// The licences of what is inside travel with it.
const inside = new Set(Object.keys(done.metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]));
const texts = [];
for (const name of [...inside].filter(Boolean).sort()) {
  const facts = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  let licence = "";
  for (const file of ["LICENSE", "LICENSE.md", "LICENCE", "license", "LICENSE.txt"]) {
    licence ||= await readFile(`node_modules/${name}/${file}`, "utf8").catch(() => "");
  }
  texts.push(`${name} ${facts.version} (${facts.license})\n\n${licence}`);
}
await writeFile(new URL("THIRD_PARTY.txt", DIST), texts.join(`\n\n${"-".repeat(80)}\n\n`));
for (const path of Object.keys(done.metafile.outputs)) {
  console.log(path.split("/").pop(), `${Math.round(gzipSync(await readFile(path)).length / 1024)} KiB gzipped`);
}
