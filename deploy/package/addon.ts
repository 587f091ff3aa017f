import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Architecture } from "./architectures.ts";
import { inCheckout, run } from "./tools.ts";

/** The flags of packages/shared/binding.gyp. Stripped: what is left of the names are those that node looks for. */
const FLAGS = "-std=c++17 -O3 -Wall -Wextra -fvisibility=hidden -fPIC -shared -s -DNAPI_VERSION=8";

/** Builds the addon for an architecture. Node-API is stable: one file serves every node from 20 on. */
export function buildAddon(architecture: Architecture, file: string): void {
  const native = inCheckout("packages/shared/native");
  const sources = readdirSync(native).filter((name) => name.endsWith(".cc"));
  const paths = sources.sort().map((name) => join(native, name));
  const compiler = `${architecture.triplet}-g++`;
  const remedy = `Install it: apt install ${architecture.compilerPackage}`;
  run([compiler, ...FLAGS.split(" "), `-I${nodeHeaders()}`, "-o", file, ...paths], { remedy });
}

/** Of the running node, or of the system; those of OpenSSL in them choose by architecture themselves. */
function nodeHeaders(): string {
  const folders = [join(dirname(dirname(process.execPath)), "include/node"), "/usr/include/node"];
  const found = folders.find((folder) => existsSync(join(folder, "node_api.h")));
  if (found === undefined) throw new Error(`node's headers are in neither of ${folders.join(", ")}.`);
  return found;
}
