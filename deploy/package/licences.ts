import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { inCheckout } from "./tools.ts";

const RULE = "-".repeat(80);

/** The licence texts of every package that esbuild took something from, one after another. */
export function licenceTexts(metafile: Metafile): string {
  const sections = bundledPackages(metafile).map((folder) => {
    const { name, version, license } = describe(folder);
    return `${RULE}\n${name} ${version} (${license})\n\n${licenceOf(folder, name)}\n`;
  });
  return `wanbond's programs contain parts of these packages.\n\n${sections.join("\n")}`;
}

/** Folders of packages in node_modules, nested ones too, by name. */
function bundledPackages(metafile: Metafile): string[] {
  const folders = Object.keys(metafile.inputs).flatMap((input) => {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    return folder === undefined || folder.includes("node_modules/@wanbond/") ? [] : [inCheckout(folder)];
  });
  return [...new Set(folders)].sort();
}

function describe(folder: string): { name: string; version: string; license: string } {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** @throws Error when a package brings no text: then it may not be given away without a look at it. */
function licenceOf(folder: string, name: string): string {
  const file = readdirSync(folder).find((each) => /^(licen[cs]e|copying|unlicense)/i.test(each));
  if (file !== undefined && existsSync(join(folder, file))) return readFileSync(join(folder, file), "utf8").trim();
  throw new Error(`The package ${name} brings no licence text.`);
}
