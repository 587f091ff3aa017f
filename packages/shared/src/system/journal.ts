import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import * as z from "zod";
import { EX_OSERR, WanbondError } from "../errors.ts";
import { Before, Change } from "./change.ts";
import { ownNamespace } from "./network-namespace.ts";

const Entry = z.object({ key: z.string(), change: Change, before: Before });
/** One change that was made, or was about to be. */
export type Entry = z.infer<typeof Entry>;

const Content = z.object({ version: z.literal(1), namespace: z.string(), entries: z.array(Entry) });

/**
 * The list of our changes as a file, written before a change is made: after kill -9 the next start reads it and takes
 * everything back. It lies on a file system that does not survive a reboot, as the changes themselves.
 */
export class Journal {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Replaces the file as a whole: a reader finds the old list or the new one. */
  write(entries: readonly Entry[]): void {
    if (entries.length === 0) {
      rmSync(this.#file, { force: true });
      return;
    }
    const temporary = `${this.#file}.new`;
    const descriptor = openSync(temporary, "w", 0o600);
    try {
      writeSync(descriptor, JSON.stringify({ version: 1, namespace: ownNamespace().identity, entries }));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, this.#file);
  }

  /**
   * @returns what an earlier run left. When the file is about another network namespace (they get each other's inode
   * numbers), only what bears our marks is in it: an earlier value of a setting would be that of a stranger.
   */
  read(): Entry[] {
    const text = this.#readText();
    if (text === null) return [];
    const content = Content.safeParse(parseJson(text));
    if (!content.success) throw this.#unreadable();
    const { namespace, entries } = content.data;
    return namespace === ownNamespace().identity ? entries : entries.filter(({ change }) => isMarked(change));
  }

  #readText(): string | null {
    try {
      return readFileSync(this.#file, "utf8");
    } catch {
      return null; // there is none: nothing was left behind
    }
  }

  #unreadable(): WanbondError {
    const sentence = `The journal ${this.#file} cannot be read. Restart the host, or delete the file and check ip rule and nft list tables.`;
    return new WanbondError("WB_JOURNAL", EX_OSERR, sentence);
  }
}

function isMarked(change: Change): boolean {
  return change.kind === "rule" || change.kind === "unreachable" || change.kind === "route" || change.kind === "nft";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // fails the schema, which is reported
  }
}
