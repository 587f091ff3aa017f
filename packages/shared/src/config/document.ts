import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { ConfigError, type Fault, type KeyPath, keyText, type RawFault } from "./fault.ts";
import { findPlaces, type Places, placeOf } from "./toml-places.ts";

/** A configuration file as it was read, before anything is known about its keys. */
export interface ConfigDocument {
  readonly file: string;
  readonly raw: unknown;
  /** Empty for JSON. */
  readonly places: Places;
}

/** Reads TOML, or JSON when the name ends in .json. @throws ConfigError when it cannot be read or parsed. */
export function readDocument(file: string): ConfigDocument {
  return parseDocument(readText(file), file);
}

/** @param file names the text in messages; .json at its end makes it JSON. @throws ConfigError */
export function parseDocument(text: string, file: string): ConfigDocument {
  return file.endsWith(".json") ? parseJson(text, file) : parseToml(text, file);
}

/** Gives raw faults their keys and places, in the order of the file. */
export function locateFaults(document: ConfigDocument, faults: readonly RawFault[]): Fault[] {
  const located = faults.map(({ path, problem, remedy }) => ({
    key: keyText(path),
    place: placeOf(document.places, path),
    problem,
    remedy,
  }));
  return located.sort((a, b) => lineOf(a) - lineOf(b));
}

/** A string found in a document, with the way to it. */
export interface Entry {
  readonly path: KeyPath;
  readonly text: string;
}

/**
 * All strings at the paths that fit the pattern; `*` stands for every element of an array. What is missing or of
 * another type is left out: the schema has already found fault with it.
 */
export function entriesAt(raw: unknown, pattern: readonly string[], path: KeyPath = []): Entry[] {
  const [part, ...rest] = pattern;
  if (part === undefined) return typeof raw === "string" ? [{ path, text: raw }] : [];
  if (part === "*") {
    if (!Array.isArray(raw)) return [];
    return raw.flatMap((element, index) => entriesAt(element, rest, [...path, index]));
  }
  return entriesAt(valueAt(raw, [part]), rest, [...path, part]);
}

/** The value at a path, undefined when there is none. */
export function valueAt(raw: unknown, path: KeyPath): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === String(part))?.[1];
  }
  return value;
}

/** How many elements a list or an array of tables has; 0 when it is missing or something else. */
export function countAt(raw: unknown, path: KeyPath): number {
  const value = valueAt(raw, path);
  return Array.isArray(value) ? value.length : 0;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const problem = `cannot be read (${errorCode(error)})`;
    const remedy = "Name an existing file with --config, and run as a user that may read it.";
    throw new ConfigError(file, [{ key: "", place: null, problem, remedy }]);
  }
}

function parseToml(text: string, file: string): ConfigDocument {
  try {
    return { file, raw: parse(text, { unsafeKeyBehaviour: "throw" }), places: findPlaces(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = `is not TOML: ${(error.message.split("\n")[0] ?? "").replace("Invalid TOML document: ", "")}`;
    const remedy = "Mend this line first; the rest of the file has not been looked at.";
    throw new ConfigError(file, [{ key: "", place: `${error.line}:${error.column}`, problem, remedy }]);
  }
}

function parseJson(text: string, file: string): ConfigDocument {
  try {
    return { file, raw: JSON.parse(text), places: new Map() };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const remedy = "Mend it, or name the file .toml if it is TOML.";
    throw new ConfigError(file, [{ key: "", place: null, problem: `is not JSON: ${error.message}`, remedy }]);
  }
}

function lineOf(fault: Fault): number {
  return fault.place === null ? 0 : Number.parseInt(fault.place, 10);
}

/** ENOENT and its like of a system error. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
