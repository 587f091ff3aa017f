import {
  COOKIE_LIFE_MS,
  isMac,
  type KeyPair,
  mac1Key,
  NoiseHandshake,
  openCookie,
  publicKeyOf,
  tai64n,
  writeMac,
  x25519Node,
} from "../crypto/index.ts";
import type { Random } from "../units.ts";
import {
  type CookieReply,
  decodeCookieReply,
  decodeResponse,
  decodeResponsePayload,
  encodeInitiation,
  encodeInitiationPayload,
  INITIATION_MAC1_AT,
  INITIATION_MAC2_AT,
  PROTOCOL_VERSION,
  RESPONSE_MAC1_AT,
  type Response,
} from "../wire/index.ts";
import { isAcceptable } from "./cipher-choice.ts";
import { type Outstanding, OutstandingInitiations } from "./outstanding-initiations.ts";
import { PROLOGUE } from "./prologue.ts";
import { type Encryption, REJECT_AFTER_MS, REKEY_AFTER_MS, type SessionEpoch } from "./session-epoch.ts";
import type { SessionIndexes } from "./session-indexes.ts";

/** First wait for an answer; each further one is twice as long, up to the longest. */
const FIRST_RETRY_MS = 500;
/** A concentrator that comes back is to be found within 2 s, so this and the spread stay below. */
const LONGEST_RETRY_MS = 1_500;
/** Keeps many clients of a restarted concentrator apart (WireGuard's bound). */
const RETRY_SPREAD_MS = 334;
/** Answers that are looked at per initiation: each costs two multiplications, and only the first can be a forger's luck. */
const MAX_ANSWERS = 8;

export interface HandshakeInitiatorConfig {
  readonly privateKey: Uint8Array;
  /** Not of low order (`parsePublicKey`). */
  readonly peerPublicKey: Uint8Array;
  /** All zero when left out. */
  readonly presharedKey?: Uint8Array;
  readonly encryption: Encryption;
  /** This processor has AES instructions. */
  readonly hasAes: boolean;
}

export interface HandshakeInitiatorNeeds {
  /** Cryptographically random. */
  randomBytes(size: number): Uint8Array;
  readonly random: Random;
  /** Milliseconds since 1970: the responder refuses what is not later than before. */
  wallNowMs(): number;
  readonly indexes: SessionIndexes;
  /** u32 drawn at the start of this program, and anew when the session is to begin anew; read for each initiation. */
  readonly runId: number;
}

/**
 * started: first initiation of a round; retried: a further one; cookie-received: the concentrator is under load;
 * response-refused: an answer to our initiation that our keys do not open (wrong preshared key); expired: the keys are too
 * old to be used, and no newer ones came.
 */
export type InitiatorEvent = "started" | "retried" | "cookie-received" | "response-refused" | "expired";

/** What an initiator asks of its owner. */
export interface HandshakeInitiatorSink {
  /** On one path or on several: the responder gives every copy the same answer. The bytes are the owner's. */
  send(datagram: Uint8Array): void;
  /** New keys: send with them from now on, and at once, since the responder waits for it; open with the old ones too. */
  established(epoch: SessionEpoch): void;
  event(event: InitiatorEvent): void;
}

export type InitiatorDrop =
  | "malformed"
  | "unknown-index"
  | "bad-mac1"
  | "too-many-answers"
  | "bad-noise"
  | "bad-payload"
  | "bad-cookie";

/**
 * The client's side of handshakes: gets keys, and new ones before the old ones are too old, for as long as it runs.
 *
 * Every try is a new initiation; several are outstanding at once and the first answer to any of them counts, so that a
 * line with seconds of delay is no obstacle. Source: WireGuard's protocol, section 6; differs in that it never gives up.
 */
export class HandshakeInitiator {
  readonly #config: HandshakeInitiatorConfig;
  readonly #needs: HandshakeInitiatorNeeds;
  readonly #sink: HandshakeInitiatorSink;
  readonly #staticKeys: KeyPair;
  readonly #ownMac1Key: Uint8Array;
  readonly #peerMac1Key: Uint8Array;
  readonly #outstanding: OutstandingInitiations;
  /** Initiations of the round that is going on; 0 when none is. */
  #tries = 0;
  #lastTryMs = Number.NEGATIVE_INFINITY;
  #lastStampMs = Number.NEGATIVE_INFINITY;
  #nextTryMs = Number.POSITIVE_INFINITY;
  #expiresMs = Number.POSITIVE_INFINITY;
  #cookie: Uint8Array | null = null;
  #cookieUntilMs = Number.NEGATIVE_INFINITY;

  readonly drops: Record<InitiatorDrop, number> = {
    malformed: 0,
    "unknown-index": 0,
    "bad-mac1": 0,
    "too-many-answers": 0,
    "bad-noise": 0,
    "bad-payload": 0,
    "bad-cookie": 0,
  };

  constructor(config: HandshakeInitiatorConfig, needs: HandshakeInitiatorNeeds, sink: HandshakeInitiatorSink) {
    this.#config = config;
    this.#needs = needs;
    this.#sink = sink;
    const publicKey = publicKeyOf(config.privateKey);
    this.#staticKeys = { privateKey: config.privateKey, publicKey };
    this.#ownMac1Key = mac1Key(publicKey);
    this.#peerMac1Key = mac1Key(config.peerPublicKey);
    this.#outstanding = new OutstandingInitiations(needs.indexes);
  }

  /** When `onTimer` is to be called; infinite before `start`. */
  get nextDeadlineMs(): number {
    return Math.min(this.#nextTryMs, this.#expiresMs);
  }

  start(nowMs: number): void {
    this.restart(nowMs);
  }

  /** Asks for keys at once and with short waits again: all paths are silent, or one came back. Calling it often does no harm. */
  restart(nowMs: number): void {
    const justTried = nowMs - this.#lastTryMs < FIRST_RETRY_MS;
    this.#tries = justTried ? Math.min(this.#tries, 1) : 0;
    if (justTried && this.#tries > 0) this.#nextTryMs = Math.min(this.#nextTryMs, this.#lastTryMs + FIRST_RETRY_MS);
    else this.#try(nowMs);
  }

  /** Asks for new keys although the time has not come: the old ones have sealed REKEY_AFTER_DATAGRAMS. */
  rekeyNow(nowMs: number): void {
    if (this.#tries === 0) this.#try(nowMs);
  }

  /** Forgets what is outstanding; keys that were handed out stay the owner's. */
  stop(): void {
    this.#outstanding.clear();
    this.#tries = 0;
    this.#nextTryMs = Number.POSITIVE_INFINITY;
    this.#expiresMs = Number.POSITIVE_INFINITY;
  }

  onTimer(nowMs: number): void {
    if (nowMs >= this.#expiresMs) {
      this.#expiresMs = Number.POSITIVE_INFINITY;
      this.#sink.event("expired");
    }
    if (nowMs >= this.#nextTryMs) this.#try(nowMs);
  }

  /** A handshake datagram from the net, of any content. Its bytes are not kept. */
  onDatagram(datagram: Uint8Array, nowMs: number): void {
    const dropped = this.#handle(datagram, nowMs);
    if (dropped !== null) this.drops[dropped]++;
  }

  #handle(datagram: Uint8Array, nowMs: number): InitiatorDrop | null {
    const response = decodeResponse(datagram);
    if (response !== null) return this.#onResponse(response, datagram, nowMs);
    const cookie = decodeCookieReply(datagram);
    return cookie === null ? "malformed" : this.#onCookie(cookie, nowMs);
  }

  #try(nowMs: number): void {
    this.#sink.event(this.#tries === 0 ? "started" : "retried");
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** this.#tries, LONGEST_RETRY_MS);
    this.#tries++;
    this.#lastTryMs = nowMs;
    this.#nextTryMs = nowMs + waitMs + this.#needs.random() * RETRY_SPREAD_MS;
    this.#sink.send(this.#initiation(nowMs));
  }

  #initiation(nowMs: number): Uint8Array {
    const { randomBytes, indexes } = this.#needs;
    const localIndex = indexes.allocate();
    const noise = new NoiseHandshake({
      pattern: "IKpsk2",
      isInitiator: true,
      prologue: PROLOGUE,
      staticKeys: this.#staticKeys,
      ephemeralPrivateKey: randomBytes(32),
      x25519: x25519Node,
      remoteStatic: this.#config.peerPublicKey,
      presharedKey: this.#config.presharedKey ?? new Uint8Array(32),
    });
    const message = noise.writeMessage(this.#payload());
    if (message === null) throw new Error("the peer's public key is of low order");
    const datagram = encodeInitiation({ sender: localIndex, noise: message });
    writeMac(this.#peerMac1Key, datagram, INITIATION_MAC1_AT);
    const cookie = nowMs < this.#cookieUntilMs ? this.#cookie : null;
    if (cookie !== null) writeMac(cookie, datagram, INITIATION_MAC2_AT);
    const mac1 = datagram.slice(INITIATION_MAC1_AT, INITIATION_MAC2_AT);
    this.#outstanding.add({ localIndex, noise, mac1, mayAnswerCookie: cookie === null, answersLeft: MAX_ANSWERS });
    return datagram;
  }

  #payload(): Uint8Array {
    this.#lastStampMs = Math.max(this.#needs.wallNowMs(), this.#lastStampMs + 1);
    return encodeInitiationPayload({
      timestamp: tai64n(this.#lastStampMs),
      version: PROTOCOL_VERSION,
      hasAes: this.#config.hasAes,
      wantsNoEncryption: this.#config.encryption === "none",
      runId: this.#needs.runId,
    });
  }

  #onResponse(response: Response, datagram: Uint8Array, nowMs: number): InitiatorDrop | null {
    const asked = this.#outstanding.find(response.receiver);
    if (asked === undefined) return "unknown-index";
    if (!isMac(this.#ownMac1Key, datagram, RESPONSE_MAC1_AT)) return "bad-mac1";
    if (asked.answersLeft-- <= 0) return "too-many-answers";
    const noise = asked.noise.clone();
    const opened = noise.readMessage(response.noise);
    if (opened === null) {
      this.#sink.event("response-refused");
      return "bad-noise";
    }
    const payload = decodeResponsePayload(opened);
    if (payload?.version !== PROTOCOL_VERSION || !isAcceptable(payload.cipher, this.#config.encryption)) {
      return "bad-payload";
    }
    this.#establish(
      asked,
      { ...noise.split(), remoteIndex: response.sender, cipher: payload.cipher, farRunId: payload.runId },
      nowMs,
    );
    return null;
  }

  #establish(
    asked: Outstanding,
    keys: Pick<SessionEpoch, "sendKey" | "receiveKey" | "remoteIndex" | "cipher" | "farRunId">,
    nowMs: number,
  ): void {
    this.#outstanding.clear(asked);
    this.#tries = 0;
    this.#nextTryMs = nowMs + REKEY_AFTER_MS + this.#needs.random() * RETRY_SPREAD_MS;
    this.#expiresMs = nowMs + REJECT_AFTER_MS;
    this.#sink.established({ ...keys, localIndex: asked.localIndex, createdMs: nowMs, isInitiator: true });
  }

  /** A copy that went another path brings another cookie; only the first of a try is worth another try at once. */
  #onCookie(reply: CookieReply, nowMs: number): InitiatorDrop | null {
    const asked = this.#outstanding.find(reply.receiver);
    if (asked === undefined) return "unknown-index";
    const cookie = openCookie(this.#config.peerPublicKey, asked.mac1, reply.nonce, reply.sealed);
    if (cookie === null) return "bad-cookie";
    this.#cookie = cookie;
    this.#cookieUntilMs = nowMs + COOKIE_LIFE_MS;
    this.#sink.event("cookie-received");
    if (asked.mayAnswerCookie) {
      asked.mayAnswerCookie = false;
      this.#try(nowMs);
    }
    return null;
  }
}
