import { timingSafeEqual } from "node:crypto";
import nacl from "tweetnacl";
import { hash, hmac } from "./blake2s.ts";

export const MAC_BYTES = 16;
/** How long a cookie is good: the life of the secret it is made with. */
export const COOKIE_LIFE_MS = 120_000;

const MAC1_LABEL = Buffer.from("wanbond mac1");
const COOKIE_LABEL = Buffer.from("wanbond cookie");

/** The key of mac1 for datagrams to the owner of this public key: to have it shows that the sender knows whom it calls. */
export function mac1Key(receiverPublicKey: Uint8Array): Uint8Array {
  return hash(MAC1_LABEL, receiverPublicKey);
}

/** HMAC-BLAKE2s over the datagram's first `at` bytes, its first 16 bytes written to [at, at + 16). */
export function writeMac(key: Uint8Array, datagram: Uint8Array, at: number): void {
  datagram.set(mac(key, datagram.subarray(0, at)), at);
}

/** In constant time. @param datagram is at least at + 16 bytes long. */
export function isMac(key: Uint8Array, datagram: Uint8Array, at: number): boolean {
  return timingSafeEqual(mac(key, datagram.subarray(0, at)), datagram.subarray(at, at + MAC_BYTES));
}

/**
 * A cookie is sealed with a key of the responder's public key and the mac1 it answers, so only who sent that datagram,
 * or read it and knows the public key, can open it.
 * @param nonce 24 random bytes.
 */
export function sealCookie(
  responderKey: Uint8Array,
  mac1: Uint8Array,
  nonce: Uint8Array,
  cookie: Uint8Array,
): Uint8Array {
  return nacl.secretbox(cookie, nonce, cookieKey(responderKey, mac1));
}

/** @returns null when the bytes are not authentic. */
export function openCookie(
  responderKey: Uint8Array,
  mac1: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  return nacl.secretbox.open(sealed, nonce, cookieKey(responderKey, mac1));
}

/** The responder's side of cookies: which cookie belongs to which source, without a memory of sources. */
export class CookieMaker {
  readonly #randomBytes: (size: number) => Uint8Array;
  #secret = new Uint8Array(0);
  #secretUntilMs = Number.NEGATIVE_INFINITY;

  constructor(randomBytes: (size: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  /** @param source address and port, in whatever form, as long as it is always the same. */
  cookieFor(source: Uint8Array, nowMs: number): Uint8Array {
    if (nowMs >= this.#secretUntilMs) {
      this.#secret = Uint8Array.from(this.#randomBytes(32));
      this.#secretUntilMs = nowMs + COOKIE_LIFE_MS;
    }
    return mac(this.#secret, source);
  }
}

function mac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(key, data).subarray(0, MAC_BYTES);
}

function cookieKey(responderKey: Uint8Array, mac1: Uint8Array): Uint8Array {
  return hash(COOKIE_LABEL, responderKey, mac1);
}
