import { MAX_PATHS, REPLAY_WINDOW } from "./limits.ts";

/** Runs of one block: what a line that reorders heavily shows; older news than fits is left out. */
export const MAX_FEEDBACK_RUNS = 160;
/** Times in feedback are in units of 4 us, modulo 2^32 (4.8 hours). */
export const FEEDBACK_TIME_UNIT_US = 4;

const FIXED_BYTES = 10;
/** Longest value of a varint, and its bytes. */
const VARINT_LIMIT = 0x10000000;
const MAX_VARINT_BYTES = 4;

/** What one feedback message says of one path. Written from and read into, again and again. */
export class FeedbackBlock {
  path = 0;
  /** Highest counter received, modulo 2^32. */
  highestCounter = 0;
  /** Between the arrival of that datagram and the time of the message, in its units, < 2^28. */
  heldUnits = 0;
  /** Bytes (of IP packets) received, modulo 2^32, and between the arrival of the last of them and the message. */
  receivedBytes = 0;
  lastHeldUnits = 0;
  /** The datagram with the least delay since the last message: how far its counter is behind the highest, < 2^28. */
  fastestBack = 0;
  fastestHeldUnits = 0;
  /** From the highest counter down: received, missing, received, ... each at least 1. */
  readonly runs = new Int32Array(MAX_FEEDBACK_RUNS);
  runCount = 0;
}

/** @returns bytes of a block as written. */
export function feedbackBlockBytes(block: FeedbackBlock): number {
  let bytes = FIXED_BYTES;
  bytes += varintBytes(block.heldUnits) + varintBytes(block.lastHeldUnits);
  bytes += varintBytes(block.fastestBack) + varintBytes(block.fastestHeldUnits);
  for (let i = 0; i < block.runCount; i++) bytes += varintBytes(block.runs[i] ?? 0);
  return bytes;
}

/** @returns where the next byte goes. */
export function writeFeedbackBlock(view: DataView, start: number, block: FeedbackBlock): number {
  view.setUint8(start, block.path);
  view.setUint32(start + 1, block.highestCounter, true);
  view.setUint32(start + 5, block.receivedBytes, true);
  view.setUint8(start + 9, block.runCount);
  let at = start + FIXED_BYTES;
  at = writeVarint(view, at, block.heldUnits);
  at = writeVarint(view, at, block.lastHeldUnits);
  at = writeVarint(view, at, block.fastestBack);
  at = writeVarint(view, at, block.fastestHeldUnits);
  for (let i = 0; i < block.runCount; i++) at = writeVarint(view, at, block.runs[i] ?? 0);
  return at;
}

/** Walks over the blocks of one FEEDBACK message. */
export class FeedbackReader {
  /** The peer's clock when it wrote the message. */
  timeUnits = 0;
  /** The last block read by `next`. */
  readonly block = new FeedbackBlock();
  /** Set when a block was cut, or was one that no peer writes; nothing behind it is read. */
  malformed = false;
  readonly #view: DataView;
  #at = 0;
  #end = 0;

  constructor(pool: Uint8Array) {
    this.#view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
  }

  /** @param at a body of at least 4 bytes. */
  begin(at: number, bodyBytes: number): void {
    this.timeUnits = this.#view.getUint32(at, true);
    this.malformed = false;
    this.#at = at + 4;
    this.#end = at + bodyBytes;
  }

  /** Reads the next block. @returns false when there is none. */
  next(): boolean {
    if (this.#at === this.#end || this.malformed) return false;
    this.malformed = !this.#readBlock();
    return !this.malformed;
  }

  #readBlock(): boolean {
    const block = this.block;
    const at = this.#at;
    if (at + FIXED_BYTES > this.#end) return false;
    block.path = this.#view.getUint8(at);
    block.highestCounter = this.#view.getUint32(at + 1, true);
    block.receivedBytes = this.#view.getUint32(at + 5, true);
    block.runCount = this.#view.getUint8(at + 9);
    this.#at = at + FIXED_BYTES;
    return this.#readTimes() && block.path < MAX_PATHS && this.#readRuns();
  }

  #readTimes(): boolean {
    const block = this.block;
    block.heldUnits = this.#varint();
    block.lastHeldUnits = this.#varint();
    block.fastestBack = this.#varint();
    block.fastestHeldUnits = this.#varint();
    return Math.min(block.heldUnits, block.lastHeldUnits, block.fastestBack, block.fastestHeldUnits) >= 0;
  }

  #readRuns(): boolean {
    const { runs, runCount } = this.block;
    if (runCount === 0 || runCount > MAX_FEEDBACK_RUNS) return false;
    let covered = 0;
    for (let i = 0; i < runCount; i++) {
      const run = this.#varint();
      if (run <= 0) return false;
      covered += run;
      runs[i] = run;
    }
    return covered <= REPLAY_WINDOW;
  }

  /** @returns -1 when it is cut or too long. */
  #varint(): number {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES && this.#at < this.#end; i++) {
      const byte = this.#view.getUint8(this.#at++);
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    return -1;
  }
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x200000 ? 3 : MAX_VARINT_BYTES;
}

function writeVarint(view: DataView, start: number, value: number): number {
  let rest = Math.min(value, VARINT_LIMIT - 1);
  let at = start;
  while (rest >= 0x80) {
    view.setUint8(at++, (rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  view.setUint8(at++, rest);
  return at;
}
