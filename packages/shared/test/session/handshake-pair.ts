import { createHash } from "node:crypto";
import { publicKeyOf } from "../../src/crypto/index.ts";
import {
  HandshakeInitiator,
  type HandshakeInitiatorConfig,
  type HandshakePeer,
  HandshakeResponder,
  type HandshakeSource,
  type SessionEpoch,
  SessionIndexes,
} from "../../src/session/index.ts";
import { parseEndpoint } from "../../src/wire/index.ts";

/** Bytes that are the same in every run, and different at every call. */
export function seededBytes(seed: string): (size: number) => Uint8Array {
  let calls = 0;
  return (size) => {
    const digest = createHash("shake256", { outputLength: size });
    return Uint8Array.from(digest.update(`${seed} ${calls++}`).digest());
  };
}

export function privateKey(seed: string): Uint8Array {
  return seededBytes(`key of ${seed}`)(32);
}

export function source(text: string): HandshakeSource {
  return { socket: 0, endpoint: parseEndpoint(text) ?? new Int32Array(0) };
}

const CLIENT_KEY = privateKey("client");
export const CONCENTRATOR_KEY = privateKey("concentrator");
export const HOME = source("192.0.2.1:40000");

export interface Established {
  peerId: string;
  epoch: SessionEpoch;
}

/** A responder and what it did; lives as long as its process. */
export class ResponderEnd {
  readonly sent: { datagram: Uint8Array; source: HandshakeSource }[] = [];
  readonly established: Established[] = [];
  readonly indexes: SessionIndexes;
  readonly responder: HandshakeResponder;

  constructor(seed: string, hasAes = true) {
    const randomBytes = seededBytes(seed);
    this.indexes = new SessionIndexes(randomBytes);
    this.responder = new HandshakeResponder(
      { privateKey: CONCENTRATOR_KEY, hasAes },
      { randomBytes, indexes: this.indexes, runId: 0xc0ffee01 },
      {
        send: (datagram, to) => this.sent.push({ datagram, source: to }),
        established: (peerId, epoch) => this.established.push({ peerId, epoch }),
      },
    );
  }

  addClient(change: Partial<HandshakePeer> = {}): this {
    this.responder.addPeer({ id: "home1", publicKey: publicKeyOf(CLIENT_KEY), encryption: "encrypted", ...change });
    return this;
  }

  /** What is sent in answer to one datagram. */
  answers(datagram: Uint8Array, from: HandshakeSource, nowMs: number): Uint8Array[] {
    const before = this.sent.length;
    this.responder.onDatagram(datagram, from, nowMs);
    return this.sent.slice(before).map((answer) => answer.datagram);
  }
}

/** An initiator with a log of its effects; `nowMs` is the one clock of the test. */
export class InitiatorEnd {
  readonly sent: Uint8Array[] = [];
  readonly established: SessionEpoch[] = [];
  readonly log: string[] = [];
  readonly indexes: SessionIndexes;
  readonly initiator: HandshakeInitiator;
  nowMs: number;

  constructor(
    seed: string,
    change: Partial<HandshakeInitiatorConfig> = {},
    wallStartMs = 1_700_000_000_000,
    nowMs = 0,
  ) {
    this.nowMs = nowMs;
    const randomBytes = seededBytes(seed);
    this.indexes = new SessionIndexes(randomBytes);
    this.initiator = new HandshakeInitiator(
      {
        privateKey: CLIENT_KEY,
        peerPublicKey: publicKeyOf(CONCENTRATOR_KEY),
        encryption: "encrypted",
        hasAes: true,
        ...change,
      },
      {
        randomBytes,
        random: () => 0.5,
        wallNowMs: () => wallStartMs + this.nowMs,
        indexes: this.indexes,
        runId: 0xfeed0002,
      },
      {
        send: (datagram) => {
          this.sent.push(datagram);
          this.log.push(`${this.nowMs} send`);
        },
        established: (epoch) => {
          this.established.push(epoch);
          this.log.push(`${this.nowMs} established`);
        },
        event: (event) => this.log.push(`${this.nowMs} ${event}`),
      },
    );
  }

  start(): this {
    this.initiator.start(this.nowMs);
    return this;
  }

  get lastSent(): Uint8Array {
    return this.sent.at(-1) ?? new Uint8Array(0);
  }

  /** Moves on to the next deadline. */
  tick(): void {
    this.nowMs = this.initiator.nextDeadlineMs;
    this.initiator.onTimer(this.nowMs);
  }

  receive(datagrams: Uint8Array[]): void {
    for (const datagram of datagrams) this.initiator.onDatagram(datagram, this.nowMs);
  }
}
