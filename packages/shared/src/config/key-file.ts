import { readFileSync, statSync } from "node:fs";
import { parseKey, parsePublicKey } from "../crypto/index.ts";
import { WanbondError } from "../errors.ts";
import { errorCode } from "./document.ts";

/** A private or pre-shared key as `wanbond keygen` prints it, or null. */
function decodeKey(text: string): Uint8Array | null {
  return orNull(() => parseKey(text, "key"));
}

/** A public key as `wanbond pubkey` prints it, or null; also null for keys that would make every secret known. */
export function decodePublicKey(text: string): Uint8Array | null {
  return orNull(() => parsePublicKey(text, "publicKey"));
}

/** What came of reading a key file. The key belongs to the caller; it must never be logged. */
export type KeyFileResult =
  | { readonly key: Uint8Array; readonly fault: null }
  | { readonly key: null; readonly fault: { readonly problem: string; readonly remedy: string } };

/** Reads a key file, which nobody but its owner may read or write (0600 or stricter). */
export function readKeyFile(file: string): KeyFileResult {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return fault(`names ${file}, which is not a file`, "Name a file with one key in it.");
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
      return fault(`names ${file}, which others may read (mode ${mode})`, `Run: chmod 600 ${file}`);
    }
    const key = decodeKey(readFileSync(file, "utf8"));
    if (key !== null) return { key, fault: null };
    return fault(`names ${file}, which does not hold a key`, `Make one: (umask 077; wanbond keygen > ${file})`);
  } catch (error) {
    const code = errorCode(error);
    if (code !== "ENOENT")
      return fault(`names ${file}, which cannot be read (${code})`, "Run as its owner or as root.");
    return fault(`names ${file}, which does not exist`, `Make it: (umask 077; wanbond keygen > ${file})`);
  }
}

function fault(problem: string, remedy: string): KeyFileResult {
  return { key: null, fault: { problem, remedy } };
}

function orNull(read: () => Uint8Array): Uint8Array | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof WanbondError) return null; // The fault names the key's place in the file instead.
    throw error;
  }
}
