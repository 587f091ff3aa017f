import {
  CIPHER_AES_256_GCM,
  CIPHER_AUTH_ONLY_AES,
  CIPHER_AUTH_ONLY_CHACHA,
  CIPHER_CHACHA20_POLY1305,
} from "../wire/index.ts";
import type { Encryption } from "./session-epoch.ts";

/** What one end brings to the choice. */
export interface CipherWish {
  readonly hasAes: boolean;
  readonly wantsNoEncryption: boolean;
}

/** The responder's choice: AES only where both have instructions for it, no encryption only where both want none. */
export function chooseCipher(a: CipherWish, b: CipherWish): number {
  const aes = a.hasAes && b.hasAes;
  if (a.wantsNoEncryption && b.wantsNoEncryption) return aes ? CIPHER_AUTH_ONLY_AES : CIPHER_AUTH_ONLY_CHACHA;
  return aes ? CIPHER_AES_256_GCM : CIPHER_CHACHA20_POLY1305;
}

/** The initiator's check of it: a known cipher, and no weaker one than it is configured for. */
export function isAcceptable(cipher: number, encryption: Encryption): boolean {
  if (cipher === CIPHER_AES_256_GCM || cipher === CIPHER_CHACHA20_POLY1305) return true;
  return encryption === "none" && (cipher === CIPHER_AUTH_ONLY_AES || cipher === CIPHER_AUTH_ONLY_CHACHA);
}
