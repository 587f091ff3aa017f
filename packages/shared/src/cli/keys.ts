import { randomBytes } from "node:crypto";
import { formatKey, generatePrivateKey, parseKey, publicKeyOf } from "../crypto/index.ts";
import type { Shell } from "./shell.ts";

/** `wanbond keygen`: a private key, or a pre-shared one, on standard output. */
export function keygen(shell: Shell): void {
  shell.out(`${formatKey(generatePrivateKey(randomBytes))}\n`);
}

/** `wanbond pubkey`: the public key of the private key on standard input. */
export async function pubkey(shell: Shell): Promise<void> {
  const privateKey = parseKey(await shell.readInput(), "Standard input");
  shell.out(`${formatKey(publicKeyOf(privateKey))}\n`);
}
