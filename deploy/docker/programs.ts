/**
 * Lays out what the images hold: `tsx deploy/docker/programs.ts FOLDER` makes FOLDER/wanbond (programs, addon, licences)
 * and FOLDER/lab (the lab's line and its table).
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { ownArchitecture } from "../package/architectures.ts";
import { bundleProgram, layProgram } from "../package/program.ts";
import { inCheckout } from "../package/tools.ts";

async function layOut(folder: string): Promise<void> {
  const architecture = ownArchitecture();
  if (architecture === undefined) throw new Error(`wanbond is not built for ${process.arch}.`);
  const { version } = JSON.parse(readFileSync(inCheckout("package.json"), "utf8"));
  const work = join(folder, "work");
  rmSync(folder, { recursive: true, force: true });
  const program = await bundleProgram(work, version);
  layProgram(program, architecture, join(folder, "wanbond"));
  cpSync(inCheckout("LICENSE"), join(folder, "wanbond/LICENSE"));
  writeFileSync(join(folder, "wanbond/THIRD-PARTY-LICENSES"), program.licences);
  rmSync(work, { recursive: true });
  await bundleLab(join(folder, "lab"));
  cpSync(join(folder, "wanbond/wanbond.node"), join(folder, "lab/wanbond.node"));
}

async function bundleLab(folder: string): Promise<void> {
  await build({
    entryPoints: {
      line: inCheckout("deploy/docker/lab/line-main.ts"),
      table: inCheckout("deploy/docker/lab/table-main.ts"),
      emulator: inCheckout("test/support/emulator-main.ts"),
    },
    outdir: folder,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    // Bundled CommonJS packages call require(); an ESM file has none of its own.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
}

const folder = process.argv[2];
if (folder === undefined) throw new Error("Usage: tsx deploy/docker/programs.ts FOLDER");
await layOut(resolve(folder));
