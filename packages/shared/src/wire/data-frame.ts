import {
  INNER_HEADER_BYTES,
  MAX_PATHS,
  OUTER_COUNTER_AT,
  OUTER_HEADER_BYTES,
  OUTER_PATH_AT,
  OUTER_SESSION_AT,
  SIDE_PATHS_END,
  TAG_BYTES,
  TYPE_CONTROL,
  TYPE_COOKIE_REPLY,
  TYPE_DATA,
  TYPE_INITIATION,
  TYPE_PARITY,
} from "./limits.ts";

/** What `check` found. */
export const OUTER_OK = 0;
/** By its type byte a handshake datagram; handshake-frame.ts looks at the rest. */
export const OUTER_HANDSHAKE = 1;
export const OUTER_TOO_SHORT = 2;
export const OUTER_BAD_TYPE = 3;
export const OUTER_BAD_PATH = 4;
/** Version 1 knows no flag but those of parity, so a set one changes the meaning in a way this end cannot know. */
export const OUTER_BAD_FLAGS = 5;
/** 2^53 or more: no peer gets there, and it would not fit a number. */
export const OUTER_BAD_COUNTER = 6;

const OUTER_FLAGS_AT = 2;
const MIN_CONTROL_BYTES = OUTER_HEADER_BYTES + TAG_BYTES;
const MIN_DATA_BYTES = MIN_CONTROL_BYTES + INNER_HEADER_BYTES;
/** Flags of parity: exclusive or of the lengths covered in the lower bits, counters covered less one in the upper. */
const PARITY_LENGTH_BITS = 11;
const PARITY_LENGTHS = (1 << PARITY_LENGTH_BITS) - 1;
const TWO_32 = 0x100000000;
/** The upper word of a counter of 2^53. */
const TWO_21 = 0x200000;

/**
 * Reads and writes the headers of datagrams where they lie in a packet pool. Offsets may have any alignment. Nothing is
 * allocated: the outer header is read field by field, the others stand in this object's fields until the next read.
 *
 * The caller vouches that what it points at lies in the pool, and looks at the outer header of a datagram from the net
 * with `check` before it reads a field.
 */
export class DatagramView {
  readonly #view: DataView;

  /** Of the inner header. */
  flags = 0;
  /** Units of SEND_TIME_UNIT_US, modulo 2^24. */
  sendTime = 0;
  flowSlot = 0;
  sequence = 0;

  fragmentOffset = 0;
  fragmentTotal = 0;

  constructor(pool: Uint8Array) {
    this.#view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
  }

  /** @param counter of this path and direction, an integer < 2^53. @param flags other than 0 with parity only. */
  writeOuter(offset: number, type: number, path: number, session: number, counter: number, flags = 0): void {
    const view = this.#view;
    view.setUint8(offset, type);
    view.setUint8(offset + OUTER_PATH_AT, path);
    view.setUint16(offset + OUTER_FLAGS_AT, flags, true);
    view.setUint32(offset + OUTER_SESSION_AT, session, true);
    view.setUint32(offset + OUTER_COUNTER_AT, counter >>> 0, true);
    view.setUint32(offset + OUTER_COUNTER_AT + 4, counter / TWO_32, true);
  }

  /** Whether this is a datagram this end can know, by its outer header alone. @returns one of the OUTER_ constants. */
  check(offset: number, length: number): number {
    if (length < 1) return OUTER_TOO_SHORT;
    const type = this.type(offset);
    if (type < TYPE_DATA || type > TYPE_PARITY) return handshakeVerdict(type);
    if (length < (type === TYPE_CONTROL ? MIN_CONTROL_BYTES : MIN_DATA_BYTES)) return OUTER_TOO_SHORT;
    if (this.path(offset) >= (type === TYPE_CONTROL ? SIDE_PATHS_END : MAX_PATHS)) return OUTER_BAD_PATH;
    if (type !== TYPE_PARITY && this.#view.getUint16(offset + OUTER_FLAGS_AT, true) !== 0) return OUTER_BAD_FLAGS;
    return this.#view.getUint32(offset + OUTER_COUNTER_AT + 4, true) < TWO_21 ? OUTER_OK : OUTER_BAD_COUNTER;
  }

  type(offset: number): number {
    return this.#view.getUint8(offset);
  }

  path(offset: number): number {
    return this.#view.getUint8(offset + OUTER_PATH_AT);
  }

  /** The receiver's index of the key epoch. */
  session(offset: number): number {
    return this.#view.getUint32(offset + OUTER_SESSION_AT, true);
  }

  counter(offset: number): number {
    const high = this.#view.getUint32(offset + OUTER_COUNTER_AT + 4, true);
    return high * TWO_32 + this.#view.getUint32(offset + OUTER_COUNTER_AT, true);
  }

  /** Counters right before its own that parity covers, 1..32. */
  paritySpan(offset: number): number {
    return (this.#view.getUint16(offset + OUTER_FLAGS_AT, true) >>> PARITY_LENGTH_BITS) + 1;
  }

  /** Exclusive or of the lengths of the plaintexts that parity covers. */
  parityLengths(offset: number): number {
    return this.#view.getUint16(offset + OUTER_FLAGS_AT, true) & PARITY_LENGTHS;
  }

  /** @param sendTime, @param sequence are taken modulo 2^24. */
  writeInner(offset: number, flags: number, sendTime: number, flowSlot: number, sequence: number): void {
    this.#view.setUint32(offset, (flags & 0xff) | (sendTime << 8), true);
    this.#view.setUint32(offset + 4, (flowSlot & 0xff) | (sequence << 8), true);
  }

  /** An opened data datagram that passed `check` has an inner header. */
  readInner(offset: number): void {
    const first = this.#view.getInt32(offset, true);
    const second = this.#view.getInt32(offset + 4, true);
    this.flags = first & 0xff;
    this.sendTime = first >>> 8;
    this.flowSlot = second & 0xff;
    this.sequence = second >>> 8;
  }

  /** @param fragmentOffset of the bytes behind this header within the whole payload of totalBytes. */
  writeFragment(offset: number, fragmentOffset: number, totalBytes: number): void {
    this.#view.setUint16(offset, fragmentOffset, true);
    this.#view.setUint16(offset + 2, totalBytes, true);
  }

  /** @param offset of a payload of at least FRAGMENT_HEADER_BYTES. Whether the part fits its whole is for the caller. */
  readFragment(offset: number): void {
    this.fragmentOffset = this.#view.getUint16(offset, true);
    this.fragmentTotal = this.#view.getUint16(offset + 2, true);
  }
}

function handshakeVerdict(type: number): number {
  return type >= TYPE_INITIATION && type <= TYPE_COOKIE_REPLY ? OUTER_HANDSHAKE : OUTER_BAD_TYPE;
}

/** Flags of a parity datagram. @param span 1..32. @param lengths < 2^11. */
export function parityFlags(span: number, lengths: number): number {
  return ((span - 1) << PARITY_LENGTH_BITS) | lengths;
}
