import { posix } from "node:path";

/** Where a source file stands, from the root of the project, and what it holds. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A folder may import folders of lower layers only; folders of one layer never import one another. */
const LAYERS: Readonly<Record<string, number>> = {
  "units.ts": 0,
  "errors.ts": 0,
  wire: 1,
  packet: 1,
  crypto: 2,
  link: 2,
  bond: 2,
  reseq: 2,
  aggregate: 2,
  parity: 2,
  session: 3,
  peer: 3,
  pipeline: 4,
  config: 5,
  system: 5,
  io: 5,
  control: 5,
  runtime: 6,
  doctor: 6,
  cli: 7,
};
/** Layers up to this one open no socket, set no timer, read no clock, draw no random number and log nothing. */
const LAST_CORE_LAYER = 4;
/** What core folders may import beside the project's own files. */
const CORE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  crypto: ["node:crypto", "tweetnacl"],
  session: ["node:crypto"],
};
const IMPURE = /\b(Date\.now|performance\.now|new Date\(|Math\.random|setTimeout|setInterval|setImmediate|console\.)/;
/** The only file of the library that reaches up to the two ends, which it starts. */
const ENTRY = "packages/shared/src/cli/wanbond.ts";
const SHARED = "packages/shared/src/";

/** Every import of a file that breaks the rules, as sentences; none when all is well. */
export function importFaults(file: SourceFile): string[] {
  const faults = specifiersOf(file.text).flatMap((specifier) => {
    const fault = file.path.startsWith(SHARED) ? sharedFault(file.path, specifier) : endFault(file.path, specifier);
    return fault === null ? [] : [`${file.path} imports ${specifier}: ${fault}`];
  });
  const impure = isCore(file.path) ? IMPURE.exec(withoutComments(file.text))?.[1] : undefined;
  return impure === undefined ? faults : [...faults, `${file.path} uses ${impure}: core layers get it as an argument`];
}

/** What a file imports: `from "x"`, `import "x"`, `import("x")` and `require("x")`. */
export function specifiersOf(text: string): string[] {
  const pattern = /(?:\bfrom|\bimport|\b(?:import|require)\s*\()\s*["'`]([^"'`\n]+)["'`]/g;
  return [...withoutComments(text).matchAll(pattern)].map((match) => match[1] ?? "");
}

function sharedFault(path: string, specifier: string): string | null {
  if (specifier.startsWith("@wanbond/")) return path === ENTRY ? null : "the library does not know its users";
  const own = folderOf(path);
  if (!(own in LAYERS)) return `${own} has no layer in test/arch/import-rules.ts`;
  if (!specifier.startsWith(".")) return packageFault(path, specifier);
  const target = posix.join(posix.dirname(path), specifier);
  if (target === "packages/shared/package.json") return null;
  if (!target.startsWith(SHARED)) return "it lies outside the library";
  const other = folderOf(target);
  if (other === own) return null;
  if (!(other in LAYERS)) return `${other} has no layer in test/arch/import-rules.ts`;
  if (!other.endsWith(".ts") && !target.endsWith("/index.ts"))
    return "other folders are reached through their index.ts";
  return layerOf(other) < layerOf(own) ? null : `${other} does not lie below ${own}`;
}

function packageFault(path: string, specifier: string): string | null {
  if (!isCore(path) || (CORE_PACKAGES[folderOf(path)] ?? []).includes(specifier)) return null;
  return "core layers do no input or output";
}

/** Of packages/client and packages/concentrator: the library's folders and their own files, never each other. */
function endFault(path: string, specifier: string): string | null {
  const root = path.split("/").slice(0, 3).join("/");
  if (specifier.startsWith("@wanbond/")) {
    return /^@wanbond\/shared\/[a-z]+$/.test(specifier) ? null : "only folders of @wanbond/shared may be imported";
  }
  if (!specifier.startsWith(".")) return null;
  const target = posix.join(posix.dirname(path), specifier);
  if (!target.startsWith(`${root}/`)) return "it lies outside the package";
  const isSameFolder = posix.dirname(target) === posix.dirname(path);
  const isRootFile = posix.dirname(target) === root;
  return isSameFolder || isRootFile || target.endsWith("/index.ts")
    ? null
    : "other folders are reached through their index.ts";
}

/** Folder below src, or the file itself when it lies in src. */
function folderOf(path: string): string {
  return path.slice(SHARED.length).split("/")[0] ?? "";
}

function layerOf(folder: string): number {
  return LAYERS[folder] ?? Number.NaN;
}

function isCore(path: string): boolean {
  return path.startsWith(SHARED) && layerOf(folderOf(path)) <= LAST_CORE_LAYER;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}
