import { createCipheriv, createDecipheriv } from "node:crypto";

const ALGORITHM = "chacha20-poly1305";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * ChaCha20-Poly1305 (RFC 8439) with the nonce of Noise: four zero bytes, then the number as u64 little-endian.
 * For handshakes only; data is sealed in batches by the addon.
 *
 * @param nonce an integer < 2^53, never used twice with one key.
 * @returns ciphertext with the 16-byte tag behind it.
 */
export function seal(key: Uint8Array, nonce: number, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(ALGORITHM, key, nonceBytes(nonce), { authTagLength: TAG_BYTES });
  cipher.setAAD(associated, { plaintextLength: plaintext.byteLength });
  const body = cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([body, cipher.getAuthTag()]);
}

/** @returns the plaintext, or null when the bytes are not authentic. */
export function open(key: Uint8Array, nonce: number, associated: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const bodyBytes = sealed.byteLength - TAG_BYTES;
  if (bodyBytes < 0) return null;
  const decipher = createDecipheriv(ALGORITHM, key, nonceBytes(nonce), { authTagLength: TAG_BYTES });
  decipher.setAAD(associated, { plaintextLength: bodyBytes });
  decipher.setAuthTag(sealed.subarray(bodyBytes));
  const plaintext = decipher.update(sealed.subarray(0, bodyBytes));
  try {
    decipher.final();
    return plaintext;
  } catch {
    return null; // `final` throws for a wrong tag, and for nothing else.
  }
}

function nonceBytes(nonce: number): Uint8Array {
  const bytes = new Uint8Array(NONCE_BYTES);
  new DataView(bytes.buffer).setBigUint64(4, BigInt(nonce), true);
  return bytes;
}
