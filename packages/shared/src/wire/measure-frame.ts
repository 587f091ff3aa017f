import { ENDPOINT_FAMILY, ENDPOINT_LOCAL, ENDPOINT_PORT, ENDPOINT_REMOTE, ENDPOINT_WORDS } from "./endpoint.ts";

/**
 * Bodies of the messages that measure a line (OBSERVE to TRAIN). A question is as long as its answer, so that asking gains
 * nobody anything; only a LOAD is answered with more, and its answerer sets the limits.
 */
export const OBSERVE_BYTES = 58;
export const LOAD_BYTES = 18;
export const TRAIN_MIN_BYTES = 8;

/** OBSERVE: the sender would like to ask from a second port of the far end, too. */
export const OBSERVE_SECOND_PORT = 1;

const AT = { id: 0, time: 4, train: 8, flags: 12, waitMs: 12, token: 16 } as const;
const ANSWER = { received: 12, bytes: 16, spanUs: 20, wallLow: 24, wallHigh: 28, token: 30, second: 34 } as const;
const ANSWER_PORT_AT = 36;
const ANSWER_FAMILY_AT = 38;
const ANSWER_VERSION_AT = 39;
const ANSWER_ADDRESS_AT = 42;
const ADDRESS_BYTES = 16;
const TWO_32 = 0x100000000;

/** What a program calls itself: major, minor, patch, each 0..255. */
export type ProgramVersion = readonly [number, number, number];

/** Asks where this datagram comes from. */
export interface Observe {
  readonly id: number;
  /** The asker's clock; comes back as it is. */
  readonly time: number;
  /** Number of a train whose arrivals are asked for, or any other. */
  readonly train: number;
  readonly flags: number;
}

/** Asks for the same answer, later: a mapping that is gone by then lets nothing in. */
export interface DelayedReply {
  readonly id: number;
  readonly time: number;
  readonly waitMs: number;
  /** Given to this address with an earlier answer. */
  readonly token: number;
}

/** Asks for a train of datagrams. */
export interface Load {
  readonly train: number;
  readonly token: number;
  readonly rateKbps: number;
  /** Of IP packets, together. */
  readonly bytes: number;
  /** Of one IP packet. */
  readonly sizeBytes: number;
}

export interface Observed {
  readonly id: number;
  readonly time: number;
  readonly train: number;
  /** Datagrams of that train that arrived, their bytes as IP packets, and from the first to the last of them. */
  readonly received: number;
  readonly bytes: number;
  readonly spanUs: number;
  /** The answerer's wall clock: milliseconds since 1970. */
  readonly wallMs: number;
  /** To be shown by those who ask for more than an answer. */
  readonly token: number;
  /** A further port of the answerer that answers as this one does; 0: there is none. */
  readonly secondPort: number;
  readonly version: ProgramVersion;
  /** Where the question came from: a record, local words 0. */
  readonly seen: Int32Array;
}

export function writeObserve(view: DataView, at: number, { id, time, train, flags }: Observe): void {
  view.setUint32(at + AT.id, id, true);
  view.setUint32(at + AT.time, time, true);
  view.setUint32(at + AT.train, train, true);
  view.setUint8(at + AT.flags, flags);
}

export function readObserve(view: DataView, at: number): Observe {
  const [id, time, train] = three(view, at);
  return { id, time, train, flags: view.getUint8(at + AT.flags) };
}

export function writeDelayedReply(view: DataView, at: number, { id, time, waitMs, token }: DelayedReply): void {
  view.setUint32(at + AT.id, id, true);
  view.setUint32(at + AT.time, time, true);
  view.setUint32(at + AT.waitMs, waitMs, true);
  view.setUint32(at + AT.token, token, true);
}

export function readDelayedReply(view: DataView, at: number): DelayedReply {
  const [id, time] = three(view, at);
  return { id, time, waitMs: view.getUint32(at + AT.waitMs, true), token: view.getUint32(at + AT.token, true) };
}

export function writeLoad(view: DataView, at: number, { train, token, rateKbps, bytes, sizeBytes }: Load): void {
  view.setUint32(at, train, true);
  view.setUint32(at + 4, token, true);
  view.setUint32(at + 8, rateKbps, true);
  view.setUint32(at + 12, bytes, true);
  view.setUint16(at + 16, sizeBytes, true);
}

export function readLoad(view: DataView, at: number): Load {
  const [train, token, rateKbps] = three(view, at);
  return { train, token, rateKbps, bytes: view.getUint32(at + 12, true), sizeBytes: view.getUint16(at + 16, true) };
}

/** @param answer its `seen` may lie anywhere in a vector of records. */
export function writeObserved(view: DataView, at: number, answer: Observed): void {
  view.setUint32(at + AT.id, answer.id, true);
  view.setUint32(at + AT.time, answer.time, true);
  view.setUint32(at + AT.train, answer.train, true);
  view.setUint32(at + ANSWER.received, answer.received, true);
  view.setUint32(at + ANSWER.bytes, answer.bytes, true);
  view.setUint32(at + ANSWER.spanUs, answer.spanUs, true);
  view.setUint32(at + ANSWER.wallLow, answer.wallMs >>> 0, true);
  view.setUint16(at + ANSWER.wallHigh, answer.wallMs / TWO_32, true);
  view.setUint32(at + ANSWER.token, answer.token, true);
  view.setUint16(at + ANSWER.second, answer.secondPort, true);
  view.setUint16(at + ANSWER_PORT_AT, answer.seen[ENDPOINT_PORT] ?? 0, true);
  view.setUint8(at + ANSWER_FAMILY_AT, answer.seen[ENDPOINT_FAMILY] ?? 0);
  for (let i = 0; i < 3; i++) view.setUint8(at + ANSWER_VERSION_AT + i, answer.version[i] ?? 0);
  const { buffer, byteOffset } = answer.seen;
  const address = new Uint8Array(buffer, byteOffset + ENDPOINT_REMOTE * 4, ADDRESS_BYTES);
  for (let i = 0; i < ADDRESS_BYTES; i++) view.setUint8(at + ANSWER_ADDRESS_AT + i, address[i] ?? 0);
}

export function readObserved(view: DataView, at: number): Observed {
  const [id, time, train] = three(view, at);
  const wallLow = view.getUint32(at + ANSWER.wallLow, true);
  return {
    id,
    time,
    train,
    received: view.getUint32(at + ANSWER.received, true),
    bytes: view.getUint32(at + ANSWER.bytes, true),
    spanUs: view.getUint32(at + ANSWER.spanUs, true),
    wallMs: view.getUint16(at + ANSWER.wallHigh, true) * TWO_32 + wallLow,
    token: view.getUint32(at + ANSWER.token, true),
    secondPort: view.getUint16(at + ANSWER.second, true),
    version: [byte(view, at, 0), byte(view, at, 1), byte(view, at, 2)],
    seen: readSeen(view, at),
  };
}

function readSeen(view: DataView, at: number): Int32Array {
  const seen = new Int32Array(ENDPOINT_WORDS);
  seen[ENDPOINT_FAMILY] = view.getUint8(at + ANSWER_FAMILY_AT) === 6 ? 6 : 4;
  seen[ENDPOINT_PORT] = view.getUint16(at + ANSWER_PORT_AT, true);
  const bytes = new Uint8Array(seen.buffer, ENDPOINT_REMOTE * 4, (ENDPOINT_LOCAL - ENDPOINT_REMOTE) * 4);
  for (let i = 0; i < ADDRESS_BYTES; i++) bytes[i] = view.getUint8(at + ANSWER_ADDRESS_AT + i);
  return seen;
}

function three(view: DataView, at: number): [number, number, number] {
  return [view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true)];
}

function byte(view: DataView, at: number, part: number): number {
  return view.getUint8(at + ANSWER_VERSION_AT + part);
}
