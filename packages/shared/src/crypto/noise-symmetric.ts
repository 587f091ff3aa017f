import { HASH_BYTES, hash, hkdf } from "./blake2s.ts";
import { open, seal } from "./chacha-poly.ts";

/** The "SymmetricState" of the Noise specification, section 5.2, for ChaChaPoly and BLAKE2s; names are the paper's. */
export class SymmetricState {
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #key: Uint8Array | null = null;
  #nonce = 0;

  constructor(protocolName: string) {
    const name = Buffer.from(protocolName, "latin1");
    this.#hash = name.byteLength > HASH_BYTES ? hash(name) : Buffer.concat([name], HASH_BYTES);
    this.#chainingKey = this.#hash;
  }

  /** The transcript: both ends of an undisturbed handshake have the same one. */
  get handshakeHash(): Uint8Array {
    return this.#hash;
  }

  clone(): SymmetricState {
    const copy = new SymmetricState("");
    copy.#chainingKey = this.#chainingKey;
    copy.#hash = this.#hash;
    copy.#key = this.#key;
    copy.#nonce = this.#nonce;
    return copy;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = hash(this.#hash, data);
  }

  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, secret);
    this.#chainingKey = chainingKey;
    this.#setKey(key);
  }

  mixKeyAndHash(secret: Uint8Array): void {
    const [chainingKey, mixed, key] = hkdf(this.#chainingKey, secret);
    this.#chainingKey = chainingKey;
    this.mixHash(mixed);
    this.#setKey(key);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#key === null ? plaintext : seal(this.#key, this.#nonce++, this.#hash, plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  /** @returns null when the bytes are not authentic; the state is of no use then. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | null {
    const plaintext = this.#key === null ? sealed : open(this.#key, this.#nonce++, this.#hash, sealed);
    if (plaintext !== null) this.mixHash(sealed);
    return plaintext;
  }

  /** @returns the transport keys: the initiator's for sending, the responder's for sending. */
  split(): [Uint8Array, Uint8Array] {
    const [initiator, responder] = hkdf(this.#chainingKey, new Uint8Array(0));
    return [initiator, responder];
  }

  #setKey(key: Uint8Array): void {
    this.#key = key;
    this.#nonce = 0;
  }
}
