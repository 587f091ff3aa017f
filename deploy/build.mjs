/** Bundles the programs: one ESM file per entry point in packages/shared/dist. `--watch` is not needed: it takes 100 ms. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const shared = fileURLToPath(new URL("../packages/shared/", import.meta.url));

await build({
  entryPoints: { wanbond: `${shared}src/cli/wanbond.ts`, "forwarder-worker": `${shared}src/io/forwarder-worker.ts` },
  outdir: `${shared}dist`,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  sourcemap: true,
  // Bundled CommonJS packages call require(); an ESM file has none of its own.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
