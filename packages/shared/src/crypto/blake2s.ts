import { createHash, createHmac } from "node:crypto";

export const HASH_BYTES = 32;

/** BLAKE2s-256 (RFC 7693) over the parts in a row. */
export function hash(...parts: Uint8Array[]): Uint8Array {
  const blake = createHash("blake2s256");
  for (const part of parts) blake.update(part);
  return blake.digest();
}

/** HMAC (RFC 2104) with BLAKE2s-256. */
export function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const blake = createHmac("blake2s256", key);
  for (const part of parts) blake.update(part);
  return blake.digest();
}

/**
 * HKDF (RFC 5869) as the Noise specification, section 4.3, cuts it: chaining key as salt, no info, two or three outputs.
 * All three are made; the caller takes what it needs.
 */
export function hkdf(chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  const secret = hmac(chainingKey, input);
  const first = hmac(secret, Uint8Array.of(1));
  const second = hmac(secret, first, Uint8Array.of(2));
  return [first, second, hmac(secret, second, Uint8Array.of(3))];
}
