#!/usr/bin/env node
import { existsSync } from "node:fs";

const program = new URL("../dist/wanbond.js", import.meta.url);
if (!existsSync(program)) {
  console.error("wanbond is not built yet: run `npm run build` in the checkout first.");
  process.exit(69); // EX_UNAVAILABLE
}
await import(program.href);
