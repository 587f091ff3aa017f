import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { EX_CANTCREAT, WanbondError } from "../errors.ts";
import { ownNamespace } from "./network-namespace.ts";

/** Where the journal, the locks and the control sockets lie. Not on a disk: none of them is worth a reboot. */
const DEFAULT_DIRECTORY = "/run/wanbond";

/**
 * The state directory of this network namespace. Programs in namespaces other than PID 1's share the files of the host,
 * but none of its rules and routes, so each namespace has a directory of its own.
 */
export function stateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  // systemd gives a list, when the unit asks for more than one.
  const base = environment["RUNTIME_DIRECTORY"]?.split(":", 1)[0] || DEFAULT_DIRECTORY;
  const { isFirst, inode } = ownNamespace();
  return isFirst ? base : join(base, `netns-${inode}`);
}

/** Makes the state directory, readable by its owner only. */
export function makeStateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    const sentence = `The state directory ${directory} cannot be made (${String(error)}). Run wanbond as root, or set RUNTIME_DIRECTORY.`;
    throw new WanbondError("WB_STATE_DIRECTORY", EX_CANTCREAT, sentence);
  }
}

/** Removes the directory of a namespace that holds nothing any more. */
export function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Another program uses it, or it is systemd's to remove.
  }
}
