import { MOST_PLAIN_BYTES, MOST_SPAN } from "./parity-figures.ts";
import { addPlain, copyPlain, PlainBytes } from "./plain-bytes.ts";

/** Parity may cost this part of the bytes it covers: 3.3 %, where a full group of equal frames costs 3.1 %. */
const SHARE = 1 / 30;
/** Saved up for groups that have to be short: the first flights of a connection, the end of a burst. */
const SAVED_BYTES = 150_000;
/** While so much of it is left a group is short: two losses in one group are beyond mending, and a start is worth most. */
const PLENTY_BYTES = 50_000;
const SHORT_COUNT = 12;
/** Saved up without any traffic: 8 kbit/s. */
const REGAIN_BYTES_PER_MS = 1;
/** A group waits no longer for more datagrams, as far as the cost allows. */
const MOST_AGE_MS = 10;
const DELAY_FADES = 0.95;

/**
 * The sender's side of one path: sums up what goes out (exclusive or) until a parity datagram is due.
 *
 * The owner calls `cover` for every datagram of the path but parity, in the order of counters; when `isFull` or at
 * `dueMs` it takes the sum and sends it with the next counter of the path.
 */
export class ParityMaker {
  /** Exclusive or of the lengths of the plaintexts covered. */
  lengths = 0;
  /** How long a group takes to fill, about: what is lost may be made good this much later. */
  delayMs = MOST_AGE_MS;
  readonly #sum = new PlainBytes(new Uint8Array(MOST_PLAIN_BYTES));
  readonly #pool: PlainBytes;
  #span = 0;
  #dataCount = 0;
  #longest = 0;
  #firstMs = 0;
  #coveredMs = 0;
  /** Part of the allowance that the group has brought. */
  #earned = 0;
  #allowance = SAVED_BYTES;

  /** @param pool that holds the plaintexts. */
  constructor(pool: Uint8Array<ArrayBuffer>) {
    this.#pool = new PlainBytes(pool);
  }

  /** Counters from the group's first to the last. */
  get span(): number {
    return this.#span;
  }

  /** The sum has to be taken before anything else is covered. */
  get isFull(): boolean {
    return this.#span === MOST_SPAN && this.#dataCount > 0;
  }

  /** When the group wants to be closed; Infinity: there is none, or it may not cost anything yet. */
  get dueMs(): number {
    if (this.#dataCount === 0 || this.#allowance < this.#longest) return Number.POSITIVE_INFINITY;
    const isDone = this.isFull || (this.#dataCount >= SHORT_COUNT && this.#allowance > PLENTY_BYTES);
    return isDone ? Number.NEGATIVE_INFINITY : this.#firstMs + MOST_AGE_MS;
  }

  /** The group may not cost anything yet, and began longer ago. */
  isOlder(ageMs: number, nowMs: number): boolean {
    return this.#span > 0 && this.#allowance < this.#longest && nowMs - this.#firstMs > ageMs;
  }

  /** @param offset of the plaintext, even. @param bytes 0 of a control datagram. */
  cover(offset: number, bytes: number, nowMs: number): void {
    if (this.#span === MOST_SPAN || bytes > MOST_PLAIN_BYTES) this.skip();
    if (bytes > MOST_PLAIN_BYTES) return;
    if (this.#span === 0 && bytes === 0) return;
    if (this.#span++ === 0) this.#firstMs = nowMs;
    if (bytes === 0) return;
    this.#dataCount++;
    const regained = REGAIN_BYTES_PER_MS * Math.max(0, nowMs - this.#coveredMs);
    this.#coveredMs = nowMs;
    this.#allowance = Math.min(SAVED_BYTES, this.#allowance + regained + bytes * SHARE);
    this.#earned += bytes * SHARE;
    this.lengths ^= bytes;
    if (bytes > this.#longest) this.#longest = bytes;
    addPlain(this.#pool, offset, this.#sum, 0, bytes);
  }

  /** Writes the sum to an even offset of the pool and begins a new group. @returns its bytes, 0 when it may not be sent. */
  take(offset: number, nowMs: number): number {
    const bytes = this.#longest;
    if (bytes === 0 || this.#allowance < bytes) {
      this.skip();
      return 0;
    }
    copyPlain(this.#sum, 0, this.#pool, offset, bytes);
    this.#allowance -= bytes;
    this.delayMs = Math.max(nowMs - this.#firstMs, this.delayMs * DELAY_FADES);
    this.skip();
    return bytes;
  }

  /** Gives the group up because it is too old: what goes without parity earns none. */
  forgo(): void {
    this.#allowance -= this.#earned;
    this.skip();
  }

  /** Gives the group up, and begins a new one. */
  skip(): void {
    this.#sum.bytes.fill(0, 0, this.#longest);
    this.lengths = 0;
    this.#span = 0;
    this.#dataCount = 0;
    this.#longest = 0;
    this.#earned = 0;
  }
}
