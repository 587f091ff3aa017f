import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const shared = here("../packages/shared/");

/**
 * Bundles the programs into a folder: one ESM file per entry point, and what they read beside themselves.
 *
 * @param {string} folder is made when missing.
 * @param {{ sourcemap?: boolean, minify?: boolean }} options
 * @returns {Promise<import("esbuild").Metafile>} which files went in.
 */
export async function bundle(folder, options) {
  const { metafile } = await build({
    entryPoints: { wanbond: `${shared}src/cli/wanbond.ts`, "forwarder-worker": `${shared}src/io/forwarder-worker.ts` },
    outdir: folder,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    sourcemap: options.sourcemap ?? false,
    minifySyntax: options.minify ?? false,
    minifyWhitespace: options.minify ?? false,
    legalComments: "none",
    metafile: true,
    // Bundled CommonJS packages call require(); an ESM file has none of its own.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  cpSync(here("systemd"), `${folder}/systemd`, { recursive: true });
  return metafile;
}
