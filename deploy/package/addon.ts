import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Architecture } from "./architectures.ts";
import { CACHE, inCheckout, run } from "./tools.ts";

/** The flags of packages/shared/binding.gyp. Stripped: what is left of the names are those that node looks for. */
const FLAGS = "-std=c++17 -O3 -Wall -Wextra -fvisibility=hidden -fPIC -shared -s -DNAPI_VERSION=8".split(" ");
const NATIVE = inCheckout("packages/shared/native");

/**
 * Builds the addon for an architecture, or takes what an earlier call made of the same sources. Node-API is stable: one
 * file serves every node from 20 on.
 */
export function buildAddon(architecture: Architecture, file: string): void {
  const names = readdirSync(NATIVE).sort();
  const compiler = `${architecture.triplet}-g++`;
  const remedy = `Install it: apt install ${architecture.compilerPackage}`;
  const made = run([compiler, "--version"], { remedy }) + FLAGS.join(" ") + process.version;
  const hash = names.reduce(
    (sum, name) => sum.update(name).update(readFileSync(join(NATIVE, name))),
    createHash("sha256"),
  );
  const kept = join(CACHE, `addon-${architecture.debian}-${hash.update(made).digest("hex").slice(0, 16)}.node`);
  if (!existsSync(kept)) {
    mkdirSync(CACHE, { recursive: true });
    const draft = `${kept}.${process.pid}`;
    const sources = names.filter((name) => name.endsWith(".cc")).map((name) => join(NATIVE, name));
    run([compiler, ...FLAGS, `-I${nodeHeaders()}`, "-o", draft, ...sources]);
    renameSync(draft, kept);
  }
  copyFileSync(kept, file);
}

/** Of the running node, or of the system; those of OpenSSL in them choose by architecture themselves. */
function nodeHeaders(): string {
  const folders = [join(dirname(dirname(process.execPath)), "include/node"), "/usr/include/node"];
  const found = folders.find((folder) => existsSync(join(folder, "node_api.h")));
  if (found === undefined) throw new Error(`node's headers are in neither of ${folders.join(", ")}.`);
  return found;
}
