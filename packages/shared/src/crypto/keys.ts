import { EX_CONFIG, WanbondError } from "../errors.ts";
import { KEY_BYTES, x25519Tweetnacl } from "./x25519.ts";

/** @returns a new private key, clamped as RFC 7748 section 5 has it. @param randomBytes cryptographically random. */
export function generatePrivateKey(randomBytes: (size: number) => Uint8Array): Uint8Array {
  const key = Uint8Array.from(randomBytes(KEY_BYTES));
  key[0] = (key[0] ?? 0) & 0xf8;
  key[31] = ((key[31] ?? 0) & 0x7f) | 0x40;
  return key;
}

/** Base64 with padding, 44 characters: the form of WireGuard. */
export function formatKey(key: Uint8Array): string {
  return Buffer.from(key).toString("base64");
}

/**
 * Reads a private, public or preshared key of a configuration.
 * @param what the key's name in the message, like "privateKey".
 */
export function parseKey(text: string, what: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = Uint8Array.from(Buffer.from(trimmed, "base64"));
  if (bytes.byteLength === KEY_BYTES && formatKey(bytes) === trimmed) return bytes;
  throw badKey(`${what} is not a key: it has to be 44 characters of base64, as "wanbond keygen" prints them.`);
}

/** As `parseKey`; refuses points of low order, with which every secret would be known to everybody. */
export function parsePublicKey(text: string, what: string): Uint8Array {
  const key = parseKey(text, what);
  const anyPrivateKey = new Uint8Array(KEY_BYTES).fill(1);
  if (x25519Tweetnacl(anyPrivateKey, key) !== null) return key;
  throw badKey(
    `${what} is no public key of anybody: take what "wanbond pubkey" prints for the other end's private key.`,
  );
}

function badKey(message: string): WanbondError {
  return new WanbondError("WB_BAD_KEY", EX_CONFIG, message);
}
