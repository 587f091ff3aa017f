import { MOST_PLAIN_BYTES } from "./parity-figures.ts";

/** Datagrams remembered: a group, and as many again as may overtake each other. */
const REMEMBERED = 256;
const WORDS = MOST_PLAIN_BYTES / 2;
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
  readonly #bytes: Uint8Array;
  readonly #words: Uint16Array;
  readonly #counterAt = new Float64Array(REMEMBERED).fill(NONE);
  readonly #lengthAt = new Uint16Array(REMEMBERED);
  readonly #plains = new Uint16Array(REMEMBERED * WORDS);
  /** First counter of each waiting group; NONE: the place is free. */
  readonly #firsts = new Float64Array(GROUPS).fill(NONE);
  readonly #spans = new Uint8Array(GROUPS);
  readonly #missing = new Uint8Array(GROUPS);
  readonly #lengths = new Uint16Array(GROUPS);
  readonly #sums = new Uint16Array(GROUPS * WORDS);
  #waiting = 0;
  #nextGroup = 0;

  /** @param pool that plaintexts lie in. */
  constructor(pool: Uint8Array<ArrayBuffer>) {
    this.#bytes = pool;
    this.#words = new Uint16Array(pool.buffer, pool.byteOffset, pool.byteLength >> 1);
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
    this.#copyIn(this.#plains, place * WORDS, offset, bytes);
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
    this.#copyIn(this.#sums, group * WORDS, offset, bytes);
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
    const sum = group * WORDS;
    for (let each = first; each < end; each++) {
      if (!this.#has(each)) {
        this.solvedCounter = each;
        continue;
      }
      const place = each % REMEMBERED;
      length ^= this.#lengthAt[place] ?? 0;
      this.#subtract(sum, place * WORDS, this.#lengthAt[place] ?? 0);
    }
    this.#free(group);
    if (length === 0 || length > MOST_PLAIN_BYTES) return 0;
    const at = offset >> 1;
    const words = (length + 1) >> 1;
    for (let i = 0; i < words; i++) this.#words[at + i] = this.#sums[sum + i] ?? 0;
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

  /** Words behind the end are left as they are; an odd last byte is followed by zero. */
  #copyIn(to: Uint16Array, at: number, offset: number, bytes: number): void {
    const from = offset >> 1;
    const whole = bytes >> 1;
    for (let i = 0; i < whole; i++) to[at + i] = this.#words[from + i] ?? 0;
    if ((bytes & 1) !== 0) to[at + whole] = this.#bytes[offset + bytes - 1] ?? 0;
    if (to === this.#sums) to.fill(0, at + ((bytes + 1) >> 1), at + WORDS);
  }

  #subtract(sum: number, at: number, bytes: number): void {
    const words = (bytes + 1) >> 1;
    for (let i = 0; i < words; i++) {
      this.#sums[sum + i] = (this.#sums[sum + i] ?? 0) ^ (this.#plains[at + i] ?? 0);
    }
  }
}
