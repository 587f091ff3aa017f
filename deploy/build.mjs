/** `npm run build`: the programs in packages/shared/dist, with source maps. `--watch` is not needed: it takes 100 ms. */
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";

await bundle(fileURLToPath(new URL("../packages/shared/dist", import.meta.url)), { sourcemap: true });
