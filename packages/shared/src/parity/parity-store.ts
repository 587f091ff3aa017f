import { MOST_PLAIN_BYTES } from "./parity-figures.ts";
import { addPlain, copyPlain, PlainBytes } from "./plain-bytes.ts";

/** Datagrams remembered: a group, and as many again as may overtake each other. */
const REMEMBERED = 256;
/** Groups that wait for all but one of their datagrams. */
const GROUPS = 16;
const NONE = -1;

/**
 * The receiver's side of one path: remembers what arrived and makes what is missing out of the rest of its group.
 *
 * The owner calls `note` for every opened datagram of the path and `addParity` for parity; when either answers a group,
 * `solve` writes the missing plaintext. Nothing is allocated after the constructor.
 */
export class ParityStore {
  /** Datagrams made out of their groups, and groups that were given up: more was missing than one. */
  readonly counters = { solved: 0, givenUp: 0 };
  /** Of the datagram that `solve` made. */
  solvedCounter = NONE;
  readonly #pool: PlainBytes;
  readonly #counterAt = new Float64Array(REMEMBERED).fill(NONE);
  readonly #lengthAt = new Uint16Array(REMEMBERED);
  readonly #plains = new PlainBytes(new Uint8Array(REMEMBERED * MOST_PLAIN_BYTES));
  /** First counter of each waiting group; NONE: the place is free. */
  readonly #firsts = new Float64Array(GROUPS).fill(NONE);
  readonly #spans = new Uint8Array(GROUPS);
  readonly #missing = new Uint8Array(GROUPS);
  readonly #lengths = new Uint16Array(GROUPS);
  readonly #sums = new PlainBytes(new Uint8Array(GROUPS * MOST_PLAIN_BYTES));
  #waiting = 0;
  #nextGroup = 0;

  /** @param pool that plaintexts lie in. */
  constructor(pool: Uint8Array<ArrayBuffer>) {
    this.#pool = new PlainBytes(pool);
  }

  /**
   * @param offset of the plaintext, even. @param bytes 0 of a control datagram.
   * @returns the group that can be solved now, or -1.
   */
  note(counter: number, offset: number, bytes: number): number {
    const place = counter % REMEMBERED;
    if (bytes > MOST_PLAIN_BYTES || (this.#counterAt[place] ?? NONE) >= counter) return NONE;
    this.#counterAt[place] = counter;
    this.#lengthAt[place] = bytes;
    copyPlain(this.#pool, offset, this.#plains, place * MOST_PLAIN_BYTES, bytes);
    return this.#waiting === 0 ? NONE : this.#arrived(counter);
  }

  /** @param counter of the parity datagram. @returns the group, when it can be solved now, or -1. */
  addParity(counter: number, span: number, lengths: number, offset: number, bytes: number): number {
    if (bytes > MOST_PLAIN_BYTES || counter < span) return NONE;
    const first = counter - span;
    let missing = 0;
    for (let each = first; each < counter; each++) if (!this.#has(each)) missing++;
    if (missing === 0) return NONE;
    const group = this.#place();
    this.#firsts[group] = first;
    this.#spans[group] = span;
    this.#missing[group] = missing;
    this.#lengths[group] = lengths;
    const sum = group * MOST_PLAIN_BYTES;
    copyPlain(this.#pool, offset, this.#sums, sum, bytes);
    this.#sums.bytes.fill(0, sum + bytes, sum + MOST_PLAIN_BYTES);
    this.#waiting++;
    return missing === 1 ? group : NONE;
  }

  /**
   * Writes the plaintext that the group lacked to an even offset of the pool, which must have MOST_PLAIN_BYTES of room.
   * @returns its length; 0: it was a control datagram, or what was said of the group cannot be.
   */
  solve(group: number, offset: number): number {
    const first = this.#firsts[group] ?? NONE;
    const end = first + (this.#spans[group] ?? 0);
    let length = this.#lengths[group] ?? 0;
    const sum = group * MOST_PLAIN_BYTES;
    for (let each = first; each < end; each++) {
      if (!this.#has(each)) {
        this.solvedCounter = each;
        continue;
      }
      const place = each % REMEMBERED;
      const bytes = this.#lengthAt[place] ?? 0;
      length ^= bytes;
      addPlain(this.#plains, place * MOST_PLAIN_BYTES, this.#sums, sum, bytes);
    }
    this.#free(group);
    if (length === 0 || length > MOST_PLAIN_BYTES) return 0;
    copyPlain(this.#sums, sum, this.#pool, offset, length);
    this.note(this.solvedCounter, offset, length);
    this.counters.solved++;
    return length;
  }

  #has(counter: number): boolean {
    return this.#counterAt[counter % REMEMBERED] === counter;
  }

  #arrived(counter: number): number {
    for (let group = 0; group < GROUPS; group++) {
      const first = this.#firsts[group] ?? NONE;
      if (first === NONE || counter < first || counter >= first + (this.#spans[group] ?? 0)) continue;
      const missing = (this.#missing[group] ?? 0) - 1;
      this.#missing[group] = missing;
      return missing === 1 ? group : NONE;
    }
    return NONE;
  }

  /** A free place, or that of the oldest group. */
  #place(): number {
    const group = this.#nextGroup;
    this.#nextGroup = (group + 1) % GROUPS;
    if (this.#firsts[group] !== NONE) {
      this.counters.givenUp++;
      this.#free(group);
    }
    return group;
  }

  #free(group: number): void {
    this.#firsts[group] = NONE;
    this.#waiting--;
  }
}
