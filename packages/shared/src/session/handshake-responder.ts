import {
  CookieMaker,
  formatKey,
  isLater,
  isMac,
  KEY_BYTES,
  type KeyPair,
  MAC_BYTES,
  mac1Key,
  NoiseHandshake,
  publicKeyOf,
  sealCookie,
  writeMac,
  x25519Node,
} from "../crypto/index.ts";
import {
  decodeInitiation,
  decodeInitiationPayload,
  encodeCookieReply,
  encodeResponse,
  encodeResponsePayload,
  INITIATION_MAC1_AT,
  INITIATION_MAC2_AT,
  type Initiation,
  type InitiationPayload,
  PROTOCOL_VERSION,
  RESPONSE_MAC1_AT,
  TIMESTAMP_BYTES,
} from "../wire/index.ts";
import { chooseCipher } from "./cipher-choice.ts";
import { type HandshakeSource, limiterKey, sourceBytes } from "./handshake-source.ts";
import { LoadMeter } from "./load-meter.ts";
import { PROLOGUE } from "./prologue.ts";
import { RecentAnswers } from "./recent-answers.ts";
import type { Encryption, SessionEpoch } from "./session-epoch.ts";
import type { SessionIndexes } from "./session-indexes.ts";
import { SourceLimiter } from "./source-limiter.ts";

/** A peer gets no second handshake sooner (WireGuard's HandshakeInitationRate). */
const PEER_INTERVAL_MS = 20;

export interface HandshakeResponderConfig {
  readonly privateKey: Uint8Array;
  /** This processor has AES instructions. */
  readonly hasAes: boolean;
}

export interface HandshakePeer {
  /** The owner's name for it. */
  readonly id: string;
  readonly publicKey: Uint8Array;
  /** All zero when left out. */
  readonly presharedKey?: Uint8Array;
  readonly encryption: Encryption;
}

export interface HandshakeResponderNeeds {
  /** Cryptographically random. */
  randomBytes(size: number): Uint8Array;
  readonly indexes: SessionIndexes;
  /** u32 drawn at the start of this program. */
  readonly runId: number;
}

/** What a responder asks of its owner, all of it during `onDatagram`. */
export interface HandshakeResponderSink {
  /** Back to where the request came from. Never larger than the request. The bytes are the owner's. */
  send(datagram: Uint8Array, source: HandshakeSource): void;
  /**
   * New keys of a peer; called before the response is sent, so that the keys are there when it is answered. They open at
   * once and seal after the first authentic datagram: whoever replayed an initiation can not make us send with its keys.
   */
  established(peerId: string, epoch: SessionEpoch, source: HandshakeSource): void;
}

export type ResponderDrop =
  | "malformed"
  | "bad-mac1"
  | "cookie-asked"
  | "source-limit"
  | "bad-noise"
  | "unknown-peer"
  | "bad-version"
  | "replayed"
  | "peer-limit";

interface PeerState {
  peer: HandshakePeer;
  readonly mac1Key: Uint8Array;
  /** Of the newest initiation that was answered. */
  timestamp: Uint8Array;
  answeredMs: number;
}

/**
 * The concentrator's side of handshakes. Without its public key nobody gets an answer, nor costs it more than one hash.
 *
 * Steps of an initiation, the cheap before the dear: size and type, mac1, cookie if under load, limit of its source, copy
 * of one that was answered (it gets the same answer: it came another way), one multiplication, known peer, one multiplication, timestamp, limit of the peer; then three multiplications, the answer.
 */
export class HandshakeResponder {
  readonly #config: HandshakeResponderConfig;
  readonly #needs: HandshakeResponderNeeds;
  readonly #sink: HandshakeResponderSink;
  readonly #staticKeys: KeyPair;
  readonly #mac1Key: Uint8Array;
  readonly #cookies: CookieMaker;
  readonly #limiter = new SourceLimiter();
  readonly #load = new LoadMeter();
  readonly #answers = new RecentAnswers();
  readonly #peers = new Map<string, PeerState>();

  readonly drops: Record<ResponderDrop, number> = {
    malformed: 0,
    "bad-mac1": 0,
    "cookie-asked": 0,
    "source-limit": 0,
    "bad-noise": 0,
    "unknown-peer": 0,
    "bad-version": 0,
    replayed: 0,
    "peer-limit": 0,
  };

  constructor(config: HandshakeResponderConfig, needs: HandshakeResponderNeeds, sink: HandshakeResponderSink) {
    this.#config = config;
    this.#needs = needs;
    this.#sink = sink;
    const publicKey = publicKeyOf(config.privateKey);
    this.#staticKeys = { privateKey: config.privateKey, publicKey };
    this.#mac1Key = mac1Key(publicKey);
    this.#cookies = new CookieMaker(needs.randomBytes);
  }

  /** Adds a peer, or changes the one with this public key; what is known of its timestamps stays. */
  addPeer(peer: HandshakePeer): void {
    const key = formatKey(peer.publicKey);
    const known = this.#peers.get(key);
    if (known !== undefined) {
      known.peer = peer;
      return;
    }
    const timestamp = new Uint8Array(TIMESTAMP_BYTES);
    this.#peers.set(key, {
      peer,
      mac1Key: mac1Key(peer.publicKey),
      timestamp,
      answeredMs: Number.NEGATIVE_INFINITY,
    });
  }

  /** Its epochs are the owner's to forget. */
  removePeer(publicKey: Uint8Array): void {
    this.#peers.delete(formatKey(publicKey));
  }

  /** @param waiting handshake datagrams that wait to be handed over: many of them are load, too. */
  onQueueDepth(waiting: number, nowMs: number): void {
    this.#load.onQueueDepth(waiting, nowMs);
  }

  /** A handshake datagram from the net, of any content. Its bytes are not kept. */
  onDatagram(datagram: Uint8Array, source: HandshakeSource, nowMs: number): void {
    const dropped = this.#handle(datagram, source, nowMs);
    if (dropped !== null) this.drops[dropped]++;
  }

  #handle(datagram: Uint8Array, source: HandshakeSource, nowMs: number): ResponderDrop | null {
    const initiation = decodeInitiation(datagram);
    if (initiation === null) return "malformed";
    if (!isMac(this.#mac1Key, datagram, INITIATION_MAC1_AT)) return "bad-mac1";
    if (this.#load.onInitiation(nowMs) && !this.#hasCookie(initiation, datagram, source, nowMs)) return "cookie-asked";
    if (!this.#limiter.take(limiterKey(source), nowMs)) return "source-limit";
    const macs = datagram.subarray(INITIATION_MAC1_AT);
    const known = this.#answers.take(macs, nowMs);
    if (known === null) return this.#onInitiation(initiation, macs, source, nowMs);
    this.#sink.send(known.slice(), source);
    return null;
  }

  /** @returns false when the sender has yet to show that it receives at its address; it was sent a cookie for that. */
  #hasCookie(initiation: Initiation, datagram: Uint8Array, source: HandshakeSource, nowMs: number): boolean {
    const cookie = this.#cookies.cookieFor(sourceBytes(source), nowMs);
    if (isMac(cookie, datagram, INITIATION_MAC2_AT)) return true;
    const mac1 = datagram.subarray(INITIATION_MAC1_AT, INITIATION_MAC1_AT + MAC_BYTES);
    const nonce = this.#needs.randomBytes(24);
    const sealed = sealCookie(this.#staticKeys.publicKey, mac1, nonce, cookie);
    this.#sink.send(encodeCookieReply({ receiver: initiation.sender, nonce, sealed }), source);
    return false;
  }

  #onInitiation(
    initiation: Initiation,
    macs: Uint8Array,
    source: HandshakeSource,
    nowMs: number,
  ): ResponderDrop | null {
    const noise = this.#newHandshake();
    const opened = noise.readMessage(initiation.noise, (key) => this.#presharedKeyOf(key));
    if (noise.remoteStatic === null) return "bad-noise";
    const state = this.#peers.get(formatKey(noise.remoteStatic));
    if (state === undefined) return "unknown-peer";
    const payload = opened === null ? null : decodeInitiationPayload(opened);
    if (payload === null) return "bad-noise";
    const refused = refusal(state, payload, nowMs);
    if (refused !== null) return refused;
    const answer = this.#answer(noise, state, payload, initiation.sender, source, nowMs);
    if (answer === null) return "bad-noise";
    this.#answers.remember(macs, answer, nowMs);
    this.#sink.send(answer.slice(), source);
    return null;
  }

  #presharedKeyOf(publicKey: Uint8Array): Uint8Array | null {
    const state = this.#peers.get(formatKey(publicKey));
    return state === undefined ? null : (state.peer.presharedKey ?? new Uint8Array(KEY_BYTES));
  }

  /** @returns the answer; null when there can be none. */
  #answer(
    noise: NoiseHandshake,
    state: PeerState,
    payload: InitiationPayload,
    remoteIndex: number,
    source: HandshakeSource,
    nowMs: number,
  ): Uint8Array | null {
    state.timestamp = payload.timestamp;
    state.answeredMs = nowMs;
    const cipher = chooseCipher(payload, { hasAes: this.#config.hasAes, wantsNoEncryption: wantsNone(state.peer) });
    const message = noise.writeMessage(
      encodeResponsePayload({ version: PROTOCOL_VERSION, cipher, runId: this.#needs.runId }),
    );
    if (message === null) return null;
    const localIndex = this.#needs.indexes.allocate();
    const datagram = encodeResponse({ sender: localIndex, receiver: remoteIndex, noise: message });
    writeMac(state.mac1Key, datagram, RESPONSE_MAC1_AT);
    const keys = { ...noise.split(), localIndex, remoteIndex, cipher };
    const epoch = { ...keys, createdMs: nowMs, farRunId: payload.runId, isInitiator: false };
    this.#sink.established(state.peer.id, epoch, source);
    return datagram;
  }

  #newHandshake(): NoiseHandshake {
    return new NoiseHandshake({
      pattern: "IKpsk2",
      isInitiator: false,
      prologue: PROLOGUE,
      staticKeys: this.#staticKeys,
      ephemeralPrivateKey: this.#needs.randomBytes(KEY_BYTES),
      x25519: x25519Node,
    });
  }
}

function refusal(state: PeerState, payload: InitiationPayload, nowMs: number): ResponderDrop | null {
  if (payload.version < PROTOCOL_VERSION) return "bad-version";
  if (!isLater(payload.timestamp, state.timestamp)) return "replayed";
  return nowMs - state.answeredMs < PEER_INTERVAL_MS ? "peer-limit" : null;
}

function wantsNone(peer: HandshakePeer): boolean {
  return peer.encryption === "none";
}
