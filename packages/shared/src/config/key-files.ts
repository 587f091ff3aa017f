import { dirname, resolve } from "node:path";
import { publicKeyOf } from "../crypto/index.ts";
import { type ConfigDocument, entriesAt, valueAt } from "./document.ts";
import type { KeyPath, RawFault } from "./fault.ts";
import { decodePublicKey, readKeyFile } from "./key-file.ts";

/** What every program needs to say who it is. Never to be logged. */
export interface IdentityKeys {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Reads the key files that a configuration file names and gathers what is wrong with them. */
export class KeyFiles {
  readonly faults: RawFault[] = [];
  readonly #document: ConfigDocument;
  /** null when the file is not usable; the faults say why. */
  readonly identity: IdentityKeys | null;

  /** @param identityPath the key of the file that names the private key. */
  constructor(document: ConfigDocument, identityPath: KeyPath) {
    this.#document = document;
    const privateKey = this.read(identityPath);
    this.identity = privateKey === null ? null : { privateKey, publicKey: publicKeyOf(privateKey) };
  }

  /** The key in the file named at this path; null when none is named or it is not usable. */
  read(path: KeyPath): Uint8Array | null {
    const name = valueAt(this.#document.raw, path);
    if (typeof name !== "string" || name === "") return null;
    const { key, fault } = readKeyFile(resolve(dirname(this.#document.file), name));
    if (fault !== null) this.faults.push({ path, ...fault });
    return key;
  }

  /** Finds fault with public keys that are this program's own. */
  forbidOwn(pattern: readonly string[]): void {
    const own = this.identity?.publicKey;
    if (own === undefined) return;
    for (const { path, text } of entriesAt(this.#document.raw, pattern)) {
      if (decodePublicKey(text)?.every((byte, index) => byte === own[index]) !== true) continue;
      const remedy = "Put the other end's public key here: what wanbond pubkey prints there.";
      this.faults.push({ path, problem: "is the public key of this end's own private key", remedy });
    }
  }
}
