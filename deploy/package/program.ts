import { appendFileSync, chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../bundle.mjs";
import { buildAddon } from "./addon.ts";
import type { Architecture } from "./architectures.ts";
import { licenceTexts } from "./licences.ts";
import { inCheckout } from "./tools.ts";

/** The programs without their addon: the same on every machine. */
export interface ProgramFiles {
  /** What goes into the folder of the installed program. */
  readonly folder: string;
  /** Texts of what is bundled. */
  readonly licences: string;
}

/** Bundles the programs. @param folder of our own, is made. */
export async function bundleProgram(folder: string, version: string): Promise<ProgramFiles> {
  const metafile = await bundle(folder, { minify: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ name: "wanbond", version, type: "module" })}\n`);
  const program = join(folder, "wanbond.js");
  const code = readFileSync(program, "utf8");
  writeFileSync(program, "#!/usr/bin/node\n");
  appendFileSync(program, code);
  chmodSync(program, 0o755);
  return { folder, licences: licenceTexts(metafile) };
}

/** Lays the programs and the addon for one architecture into a folder, which is made. */
export function layProgram(program: ProgramFiles, architecture: Architecture, folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(program.folder, folder, { recursive: true });
  buildAddon(architecture, join(folder, "wanbond.node"));
  chmodSync(join(folder, "wanbond.node"), 0o644);
}

/** Lays what people read into a folder, which is made: licences, changes, examples. */
export function layDocuments(program: ProgramFiles, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ["README.md", "CHANGELOG.md", "LICENSE"]) cpSync(inCheckout(name), join(folder, name));
  for (const name of ["examples", "nftables", "sysctl.d"]) {
    cpSync(inCheckout(`deploy/${name}`), join(folder, name), { recursive: true });
  }
  cpSync(inCheckout("docs"), join(folder, "docs"), { recursive: true });
  writeFileSync(join(folder, "THIRD-PARTY-LICENSES"), program.licences);
}
