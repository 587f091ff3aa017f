import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourceFile } from "./import-rules.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SKIPPED = new Set(["node_modules", "dist", "build", "prebuilds", "vectors", "coverage"]);

/** Files of the project below a folder whose names end in one of the endings, made and installed ones left out. */
export function filesBelow(folder: string, endings: readonly string[]): SourceFile[] {
  return walk(join(root, folder))
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, "utf8") }));
}

/** Text of one file; empty when it does not exist. */
export function textOf(path: string): string {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return ""; // The test that reads it fails with what it misses in it.
  }
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}
