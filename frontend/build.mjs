// Bundles the console's front end: hashed files, a manifest, and copies compressed once for every visitor.
// Called by hatch_build.py with the folder to write; run by hand: node frontend/build.mjs OUT_DIR

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const out = process.argv[2];
if (!out) throw new Error("usage: node frontend/build.mjs OUT_DIR");

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  legalComments: "linked",
  metafile: true,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  outdir: out,
  target: ["es2022", "chrome111", "firefox115", "safari16.4"],
  logLevel: "warning",
};

const manifest = {};

function note(metafile) {
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (!entryPoint || file.endsWith(".map")) continue;
    manifest[basename(entryPoint)] = basename(file);
  }
}

async function writeHashed(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const file = `${basename(name, extname(name))}-${hash}${extname(name)}`;
  await writeFile(join(out, file), content);
  manifest[name] = file;
}

// One sprite of the icons that frontend/icons.json names: {our name: Tabler's name}. The set is one file of JSON: Tabler's
// own package has ten thousand, which took most of an installation.
async function sprite() {
  const icons = JSON.parse(await readFile(join(here, "icons.json"), "utf8"));
  const set = JSON.parse(await readFile(join(root, "node_modules/@iconify-json/tabler/icons.json"), "utf8"));
  const symbols = Object.entries(icons).map(([name, tabler]) => {
    if (!set.icons[tabler]) throw new Error(`frontend/icons.json: Tabler has no icon ${tabler}`);
    const body = set.icons[tabler].body.replaceAll('stroke-width="2"', 'stroke-width="1.75"');
    return `<symbol id="${name}" viewBox="0 0 24 24">${body}</symbol>`;
  });
  await writeHashed("icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
}

async function compress() {
  for (const file of await readdir(out)) {
    if (!/\.(js|css|svg|txt)$/.test(file)) continue;
    const content = await readFile(join(out, file));
    if (content.length < 512) continue;
    await writeFile(join(out, `${file}.gz`), gzipSync(content, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    await writeFile(join(out, `${file}.br`), brotliCompressSync(content, { params }));
  }
}

await mkdir(out, { recursive: true });
const modules = await build({
  ...common,
  entryPoints: [join(here, "console.js"), join(here, "console.css")],
  format: "esm",
  splitting: true,
});
const classic = await build({ ...common, entryPoints: [join(here, "theme.js")], format: "iife" });
// What shops' pages load, in whatever browser their visitors have; a few KB, and nothing else.
const snippet = await build({
  ...common,
  entryPoints: [join(here, "snippet.js")],
  format: "iife",
  target: ["es2019"],
});
note(modules.metafile);
note(classic.metafile);
note(snippet.metafile);
await sprite();
await writeHashed("mark.svg", await readFile(join(here, "mark.svg")));
// What PDF files are written with: Chinese and Latin in one file each. Named by weight, since no page asks for them.
for (const weight of [400, 700]) {
  const font = `noto-sans-sc-chinese-simplified-${weight}-normal.woff`;
  await copyFile(join(root, "node_modules/@fontsource/noto-sans-sc/files", font), join(out, `noto-sans-sc-${weight}.woff`));
}
await compress();
await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
