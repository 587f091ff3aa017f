import type { KeyPath } from "./fault.ts";

/** Line and column of every key of a TOML text; smol-toml does not keep them. */
export type Places = ReadonlyMap<string, string>;

const NAME = /(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')/.source;
const DOTTED = `${NAME}(?:[ \\t]*\\.[ \\t]*${NAME})*`;
const HEADER = new RegExp(`^[ \\t]*(\\[\\[?)[ \\t]*(${DOTTED})[ \\t]*\\]`);
const ASSIGNMENT = new RegExp(`^([ \\t]*)(${DOTTED})[ \\t]*=`);

/** The place of the key, or of the nearest table around it that stands in the text; null when there is none. */
export function placeOf(places: Places, path: KeyPath): string | null {
  for (let length = path.length; length > 0; length--) {
    const place = places.get(placeKey(path.slice(0, length)));
    if (place !== undefined) return place;
  }
  return null;
}

/**
 * Scans a TOML text that has already been parsed without an error. Keys inside inline tables and the elements of
 * arrays have no place of their own: placeOf gives that of the key they belong to.
 */
export function findPlaces(text: string): Places {
  const places = new Map<string, string>();
  const tableCounts = new Map<string, number>();
  const value = new ValueScanner();
  let table: KeyPath = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const inside = value.isOpen;
    const header = inside ? null : HEADER.exec(line);
    const assignment = inside || header !== null ? null : ASSIGNMENT.exec(line);
    if (header !== null) {
      table = tablePath(splitDotted(header[2] ?? ""), header[1] === "[[", tableCounts);
      places.set(placeKey(table), `${index + 1}:${line.indexOf("[") + 1}`);
    } else if (assignment !== null) {
      const key = [...table, ...splitDotted(assignment[2] ?? "")];
      places.set(placeKey(key), `${index + 1}:${(assignment[1] ?? "").length + 1}`);
      value.scan(line.slice(assignment[0].length));
    } else if (inside) value.scan(line);
  }
  return places;
}

function placeKey(path: KeyPath): string {
  return JSON.stringify(path);
}

function splitDotted(dotted: string): string[] {
  return [...dotted.matchAll(new RegExp(NAME, "g"))].map(([name]) => name.replace(/^(["'])(.*)\1$/, "$2"));
}

/** `[[uplink]]` opens the next element; `[uplink.x]` behind it means the last one. */
function tablePath(names: readonly string[], isArray: boolean, counts: Map<string, number>): KeyPath {
  const path: (string | number)[] = [];
  for (const [index, name] of names.entries()) {
    path.push(name);
    const key = placeKey(path);
    if (isArray && index === names.length - 1) counts.set(key, (counts.get(key) ?? 0) + 1);
    const count = counts.get(key);
    if (count !== undefined) path.push(count - 1);
  }
  return path;
}

/** Knows whether the value of a key goes on in the next line: open brackets, or a multi-line string. */
class ValueScanner {
  #depth = 0;
  #quote = "";

  get isOpen(): boolean {
    return this.#depth > 0 || this.#quote !== "";
  }

  scan(text: string): void {
    for (let at = 0; at < text.length; ) {
      if (this.#quote === "" && text[at] === "#") break;
      at += this.#quote === "" ? this.#outside(text, at) : this.#inString(text, at);
    }
    if (this.#quote.length === 1) this.#quote = ""; // A string in one quote ends with its line.
  }

  /** @returns how many characters were taken. */
  #outside(text: string, at: number): number {
    const character = text[at] ?? "";
    if (character === "[" || character === "{") this.#depth++;
    if (character === "]" || character === "}") this.#depth--;
    if (character !== '"' && character !== "'") return 1;
    this.#quote = text.startsWith(character.repeat(3), at) ? character.repeat(3) : character;
    return this.#quote.length;
  }

  #inString(text: string, at: number): number {
    if (this.#quote.startsWith('"') && text[at] === "\\") return 2;
    if (!text.startsWith(this.#quote, at)) return 1;
    const length = this.#quote.length;
    this.#quote = "";
    return length;
  }
}
