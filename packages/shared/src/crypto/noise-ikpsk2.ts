import { SymmetricState } from "./noise-symmetric.ts";
import { KEY_BYTES, publicKeyBy, type X25519 } from "./x25519.ts";

/** IK is here because the published vectors of its messages are, and differ by the psk alone. wanbond speaks IKpsk2. */
export type NoisePattern = "IK" | "IKpsk2";
type Token = "e" | "s" | "ee" | "es" | "se" | "ss" | "psk";

const MESSAGES: Record<NoisePattern, readonly [readonly Token[], readonly Token[]]> = {
  IK: [
    ["e", "es", "s", "ss"],
    ["e", "ee", "se"],
  ],
  IKpsk2: [
    ["e", "es", "s", "ss"],
    ["e", "ee", "se", "psk"],
  ],
};
const TAG_BYTES = 16;

/** A static key pair. Neither array is changed as long as a handshake uses it. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface NoiseConfig {
  readonly pattern: NoisePattern;
  readonly isInitiator: boolean;
  readonly prologue: Uint8Array;
  readonly staticKeys: KeyPair;
  /** 32 random bytes of this handshake alone. */
  readonly ephemeralPrivateKey: Uint8Array;
  readonly x25519: X25519;
  /** The initiator's only: whom it wants to reach. */
  readonly remoteStatic?: Uint8Array;
  /** The initiator's only; a responder learns it from `PskLookup`. */
  readonly presharedKey?: Uint8Array;
}

/** Asked when the initiator's static key is known, before anything else is paid for. @returns its psk; null refuses it. */
export type PskLookup = (remoteStatic: Uint8Array) => Uint8Array | null;

/**
 * One run of `Noise_IK[psk2]_25519_ChaChaPoly_BLAKE2s` (Noise specification revision 34, sections 5.3, 7.5 and 9).
 *
 * The initiator writes the first message and reads the second, the responder the other way round. A null means that the
 * handshake failed and the state is of no use; who wants another try takes a `clone` before it reads.
 */
export class NoiseHandshake {
  readonly #config: NoiseConfig;
  #symmetric: SymmetricState;
  #remoteStatic: Uint8Array | null;
  #remoteEphemeral: Uint8Array | null = null;
  #psk: Uint8Array | null;
  #message = 0;

  constructor(config: NoiseConfig) {
    this.#config = config;
    this.#symmetric = new SymmetricState(`Noise_${config.pattern}_25519_ChaChaPoly_BLAKE2s`);
    this.#remoteStatic = config.remoteStatic ?? null;
    this.#psk = config.presharedKey ?? null;
    this.#mixPreMessages();
  }

  clone(): NoiseHandshake {
    const copy = new NoiseHandshake(this.#config);
    copy.#symmetric = this.#symmetric.clone();
    copy.#remoteStatic = this.#remoteStatic;
    copy.#remoteEphemeral = this.#remoteEphemeral;
    copy.#psk = this.#psk;
    copy.#message = this.#message;
    return copy;
  }

  get remoteStatic(): Uint8Array | null {
    return this.#remoteStatic;
  }

  get handshakeHash(): Uint8Array {
    return this.#symmetric.handshakeHash;
  }

  /** @returns the whole message; null when a key of the other end is of low order. */
  writeMessage(payload: Uint8Array): Uint8Array | null {
    const parts: Uint8Array[] = [];
    for (const token of this.#nextTokens()) {
      if (token === "e") parts.push(this.#mixEphemeral(this.#newEphemeral()));
      else if (token === "s") parts.push(this.#symmetric.encryptAndHash(this.#config.staticKeys.publicKey));
      else if (!this.#mixSecret(token)) return null;
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    return Buffer.concat(parts);
  }

  /** @returns the payload; null when the message is not authentic or its sender was refused. */
  readMessage(message: Uint8Array, pskOf?: PskLookup): Uint8Array | null {
    let rest = message;
    for (const token of this.#nextTokens()) {
      const size = token === "e" ? KEY_BYTES : token === "s" ? KEY_BYTES + TAG_BYTES : 0;
      if (rest.byteLength < size || !this.#readToken(token, rest.subarray(0, size), pskOf)) return null;
      rest = rest.subarray(size);
    }
    return this.#symmetric.decryptAndHash(rest);
  }

  /** After both messages. */
  split(): { sendKey: Uint8Array; receiveKey: Uint8Array } {
    const [initiator, responder] = this.#symmetric.split();
    return this.#config.isInitiator
      ? { sendKey: initiator, receiveKey: responder }
      : { sendKey: responder, receiveKey: initiator };
  }

  /** The responder's static key is known before the first message ("<- s"). */
  #mixPreMessages(): void {
    this.#symmetric.mixHash(this.#config.prologue);
    const responderStatic = this.#config.isInitiator ? this.#config.remoteStatic : this.#config.staticKeys.publicKey;
    this.#symmetric.mixHash(required(responderStatic, "remoteStatic"));
  }

  #nextTokens(): readonly Token[] {
    return required(MESSAGES[this.#config.pattern][this.#message++], "a third message");
  }

  #readToken(token: Token, bytes: Uint8Array, pskOf: PskLookup | undefined): boolean {
    if (token === "e") this.#remoteEphemeral = this.#mixEphemeral(bytes.slice());
    else if (token === "s") return this.#readStatic(bytes, pskOf);
    else return this.#mixSecret(token);
    return true;
  }

  #readStatic(bytes: Uint8Array, pskOf: PskLookup | undefined): boolean {
    this.#remoteStatic = this.#symmetric.decryptAndHash(bytes);
    if (this.#remoteStatic === null) return false;
    if (pskOf === undefined) return true;
    this.#psk = pskOf(this.#remoteStatic);
    return this.#psk !== null;
  }

  /** Not before it is written: a responder that refuses never pays for it. */
  #newEphemeral(): Uint8Array {
    return publicKeyBy(this.#config.x25519, this.#config.ephemeralPrivateKey);
  }

  /** With a psk in the pattern the ephemeral key is mixed into the key too (section 9.2). */
  #mixEphemeral(publicKey: Uint8Array): Uint8Array {
    this.#symmetric.mixHash(publicKey);
    if (this.#config.pattern === "IKpsk2") this.#symmetric.mixKey(publicKey);
    return publicKey;
  }

  #mixSecret(token: Token): boolean {
    if (token === "psk") {
      this.#symmetric.mixKeyAndHash(required(this.#psk, "presharedKey"));
      return true;
    }
    const secret = this.#agree(token);
    if (secret !== null) this.#symmetric.mixKey(secret);
    return secret !== null;
  }

  /** The first letter names the initiator's key, the second the responder's. */
  #agree(token: Token): Uint8Array | null {
    const { isInitiator, staticKeys, ephemeralPrivateKey, x25519 } = this.#config;
    const [initiatorKey, responderKey] = token;
    const own = (isInitiator ? initiatorKey : responderKey) === "e" ? ephemeralPrivateKey : staticKeys.privateKey;
    const other = (isInitiator ? responderKey : initiatorKey) === "e" ? this.#remoteEphemeral : this.#remoteStatic;
    return x25519(own, required(other, token));
  }
}

function required<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`the handshake has no ${what}`);
  return value;
}
