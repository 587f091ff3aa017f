import {
  FRAGMENT_HEADER_BYTES,
  INNER_HEADER_BYTES,
  MAX_PATHS,
  OUTER_COUNTER_AT,
  OUTER_HEADER_BYTES,
  OUTER_PATH_AT,
  OUTER_SESSION_AT,
  TAG_BYTES,
  TYPE_CONTROL,
  TYPE_COOKIE_REPLY,
  TYPE_DATA,
  TYPE_INITIATION,
} from "./limits.ts";

/** What `readOuter` found. Only with OUTER_OK are the fields of the view those of the datagram. */
export const OUTER_OK = 0;
/** A whole handshake datagram by its type byte; its fields are handshake-frame.ts's business. */
export const OUTER_HANDSHAKE = 1;
export const OUTER_TOO_SHORT = 2;
export const OUTER_BAD_TYPE = 3;
export const OUTER_BAD_PATH = 4;
/** Version 1 knows no flag, so a set one changes the meaning in a way this end cannot know. */
export const OUTER_BAD_FLAGS = 5;
/** 2^53 or more: no peer gets there, and it would not fit a number. */
export const OUTER_BAD_COUNTER = 6;

const OUTER_FLAGS_AT = 2;
const MIN_CONTROL_BYTES = OUTER_HEADER_BYTES + TAG_BYTES;
const MIN_DATA_BYTES = MIN_CONTROL_BYTES + INNER_HEADER_BYTES;
const TWO_32 = 0x100000000;
const COUNTER_HIGH_LIMIT = 0x200000;

/**
 * Reads and writes the headers of datagrams where they lie in a packet pool. Offsets may have any alignment. Nothing is
 * allocated; what is read stands in the fields until the next read.
 *
 * The caller vouches that offset + length lies in the pool; lengths are checked against the format only.
 */
export class DatagramView {
  readonly #view: DataView;

  type = 0;
  path = 0;
  /** The receiver's index of the key epoch. */
  session = 0;
  counter = 0;

  innerFlags = 0;
  /** Units of SEND_TIME_UNIT_US, modulo 2^24. */
  sendTime = 0;
  flowSlot = 0;
  sequence = 0;

  fragmentOffset = 0;
  fragmentTotalBytes = 0;

  constructor(pool: Uint8Array) {
    this.#view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
  }

  /** @param counter of this path and direction, an integer < 2^53. */
  writeOuter(offset: number, type: number, path: number, session: number, counter: number): void {
    const view = this.#view;
    view.setUint8(offset, type);
    view.setUint8(offset + OUTER_PATH_AT, path);
    view.setUint16(offset + OUTER_FLAGS_AT, 0, true);
    view.setUint32(offset + OUTER_SESSION_AT, session, true);
    view.setUint32(offset + OUTER_COUNTER_AT, counter >>> 0, true);
    view.setUint32(offset + OUTER_COUNTER_AT + 4, counter / TWO_32, true);
  }

  /** @returns one of the OUTER_ constants. */
  readOuter(offset: number, length: number): number {
    if (length < 1) return OUTER_TOO_SHORT;
    const view = this.#view;
    const type = view.getUint8(offset);
    if (type !== TYPE_DATA && type !== TYPE_CONTROL) return handshakeVerdict(type);
    if (length < (type === TYPE_DATA ? MIN_DATA_BYTES : MIN_CONTROL_BYTES)) return OUTER_TOO_SHORT;
    const path = view.getUint8(offset + OUTER_PATH_AT);
    if (path >= MAX_PATHS) return OUTER_BAD_PATH;
    if (view.getUint16(offset + OUTER_FLAGS_AT, true) !== 0) return OUTER_BAD_FLAGS;
    const counterHigh = view.getUint32(offset + OUTER_COUNTER_AT + 4, true);
    if (counterHigh >= COUNTER_HIGH_LIMIT) return OUTER_BAD_COUNTER;
    this.type = type;
    this.path = path;
    this.session = view.getUint32(offset + OUTER_SESSION_AT, true);
    this.counter = counterHigh * TWO_32 + view.getUint32(offset + OUTER_COUNTER_AT, true);
    return OUTER_OK;
  }

  /** @param sendTime, @param sequence are taken modulo 2^24. */
  writeInner(offset: number, flags: number, sendTime: number, flowSlot: number, sequence: number): void {
    this.#view.setUint32(offset, (flags & 0xff) | (sendTime << 8), true);
    this.#view.setUint32(offset + 4, (flowSlot & 0xff) | (sequence << 8), true);
  }

  /** @param length of the opened datagram from the inner header on. @returns false when it holds no inner header. */
  readInner(offset: number, length: number): boolean {
    if (length < INNER_HEADER_BYTES) return false;
    const first = this.#view.getInt32(offset, true);
    const second = this.#view.getInt32(offset + 4, true);
    this.innerFlags = first & 0xff;
    this.sendTime = first >>> 8;
    this.flowSlot = second & 0xff;
    this.sequence = second >>> 8;
    return true;
  }

  /** @param fragmentOffset of the bytes behind this header within the whole payload of totalBytes. */
  writeFragment(offset: number, fragmentOffset: number, totalBytes: number): void {
    this.#view.setUint16(offset, fragmentOffset, true);
    this.#view.setUint16(offset + 2, totalBytes, true);
  }

  /** @param length of the payload, fragment header included. @returns false when it is no possible part of its whole. */
  readFragment(offset: number, length: number): boolean {
    if (length <= FRAGMENT_HEADER_BYTES) return false;
    this.fragmentOffset = this.#view.getUint16(offset, true);
    this.fragmentTotalBytes = this.#view.getUint16(offset + 2, true);
    return this.fragmentOffset + length - FRAGMENT_HEADER_BYTES <= this.fragmentTotalBytes;
  }
}

function handshakeVerdict(type: number): number {
  return type >= TYPE_INITIATION && type <= TYPE_COOKIE_REPLY ? OUTER_HANDSHAKE : OUTER_BAD_TYPE;
}
