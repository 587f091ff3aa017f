import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import nacl from "tweetnacl";

export const KEY_BYTES = 32;

/**
 * X25519 (RFC 7748) of a private and a public key, 32 bytes each.
 * @returns the shared secret; null when the public key is of low order, which would make the secret known to everybody.
 */
export type X25519 = (privateKey: Uint8Array, publicKey: Uint8Array) => Uint8Array | null;

/** The base point: X25519 with it turns a private key into its public one. */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(KEY_BYTES - 1));

/** In JavaScript alone. For single keys; a flood of handshakes would keep a core busy with it (docs/wire-format.md). */
export const x25519Tweetnacl: X25519 = (privateKey, publicKey) => {
  const secret = nacl.scalarMult(privateKey, publicKey);
  return secret.some((byte) => byte !== 0) ? secret : null;
};

/**
 * Node's OpenSSL. Importing a private key costs as much as a multiplication, so the import is kept as long as its array
 * lives: the array's bytes are not to be changed after the first call.
 */
export const x25519Node: X25519 = (privateKey, publicKey) => {
  try {
    return diffieHellman({ privateKey: importPrivate(privateKey), publicKey: importPublic(publicKey) });
  } catch (error) {
    if (isFailedDerivation(error)) return null; // OpenSSL's word for an all-zero secret.
    throw error;
  }
};

/** @returns the public key of 32 private bytes, whether they are clamped or not. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return nacl.scalarMult.base(privateKey);
}

/** The same through a given implementation: a handshake makes a key pair each time. */
export function publicKeyBy(x25519: X25519, privateKey: Uint8Array): Uint8Array {
  const key = x25519(privateKey, BASE_POINT);
  if (key === null) throw new Error("the base point is not of low order");
  return key;
}

const imported = new WeakMap<Uint8Array, KeyObject>();

/** As JWK: OpenSSL's DER decoder takes ten times as long. It works out the public half itself and ignores the given one. */
function importPrivate(privateKey: Uint8Array): KeyObject {
  const known = imported.get(privateKey);
  if (known !== undefined) return known;
  const d = Buffer.from(privateKey).toString("base64url");
  const x = Buffer.from(BASE_POINT).toString("base64url");
  const key = createPrivateKey({ key: { kty: "OKP", crv: "X25519", d, x }, format: "jwk" });
  imported.set(privateKey, key);
  return key;
}

function importPublic(publicKey: Uint8Array): KeyObject {
  const x = Buffer.from(publicKey).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
}

function isFailedDerivation(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OSSL_FAILED_DURING_DERIVATION";
}
