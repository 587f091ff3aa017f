import { EX_CONFIG, WanbondError } from "../errors.ts";

/** One thing that is wrong in a configuration file. */
export interface Fault {
  /** Path of the key, as in `uplink[1].device`; empty for the file as a whole. */
  readonly key: string;
  /** `line:column` in the file, or null where it is not known (JSON, missing keys of a missing section). */
  readonly place: string | null;
  /** What is wrong, to be read after the key. */
  readonly problem: string;
  /** What to do about it: a sentence. */
  readonly remedy: string;
}

/** A fault before its key has been looked up in the file. */
export interface RawFault {
  readonly path: KeyPath;
  readonly problem: string;
  readonly remedy: string;
}

/** Where a value stands in the parsed document. */
export type KeyPath = readonly (string | number)[];

/** `["uplink", 1, "device"]` becomes `uplink[1].device`. */
export function keyText(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** A configuration file that cannot be used. The message lists every fault, one per line, as compilers do. */
export class ConfigError extends WanbondError {
  override readonly name = "ConfigError";
  readonly file: string;
  readonly faults: readonly Fault[];

  constructor(file: string, faults: readonly Fault[]) {
    super("WB_CONFIG", EX_CONFIG, faults.map((fault) => faultLine(file, fault)).join("\n"));
    this.file = file;
    this.faults = faults;
  }
}

/** `FILE:LINE:COLUMN: KEY PROBLEM. REMEDY` */
function faultLine(file: string, fault: Fault): string {
  const place = fault.place === null ? file : `${file}:${fault.place}`;
  const key = fault.key === "" ? "" : `${fault.key} `;
  return `${place}: ${key}${fault.problem}. ${fault.remedy}`;
}
