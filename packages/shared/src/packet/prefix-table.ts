import { u8 } from "./bytes.ts";
import type { FrameView } from "./frame-view.ts";
import { parseIpPrefix } from "./ip-address.ts";

/** What a search gives when no prefix covers the address. */
export const NO_PREFIX = -1;

/** A node has an entry for each value of a byte: the next node, id + 1 of the prefix that ends here, its length in bits. */
const BYTE_VALUES = 256;
/** A power of two, so that an entry never lies in two lines of the cache. */
const ENTRY_WORDS = 4;
const NODE_WORDS = ENTRY_WORDS * BYTE_VALUES;
const ID_AT = 1;
const BITS_AT = 2;
/** Node 0 is none. */
const ROOT_IPV4 = 1;
const ROOT_IPV6 = 2;
const FIRST_NODES = 8;

/**
 * Longest-prefix match over IPv4 and IPv6 prefixes: a trie with a byte per step in one Int32Array, read straight from the
 * pool. A prefix that ends inside a byte is written into all entries it covers, unless a longer one has them.
 * When a prefix goes away, its owner builds a new table.
 */
export class PrefixTable {
  #nodes = new Int32Array(FIRST_NODES * NODE_WORDS);
  #nodeCount = 3;

  /**
   * @param prefix "10.200.0.2/32", "2001:db8::/64", from a checked configuration; bits behind the prefix are ignored.
   * @param id >= 0. A prefix that is there already gets the new id.
   */
  add(prefix: string, id: number): void {
    const parsed = parseIpPrefix(prefix);
    if (parsed === null) throw new RangeError(`"${prefix}" is no IP prefix`);
    const { bytes, bits } = parsed;
    const depth = Math.max(0, Math.ceil(bits / 8) - 1);
    const node = this.#walk(bytes, depth) * NODE_WORDS;
    const count = BYTE_VALUES >> (bits - depth * 8);
    const first = node + (u8(bytes, depth) & -count) * ENTRY_WORDS;
    for (let entry = first; entry < first + count * ENTRY_WORDS; entry += ENTRY_WORDS) {
      if ((this.#nodes[entry + BITS_AT] ?? 0) > bits) continue;
      this.#nodes[entry + ID_AT] = id + 1;
      this.#nodes[entry + BITS_AT] = bits;
    }
  }

  /** @returns the id of the longest prefix that covers the four bytes at offset, or NO_PREFIX. */
  findIpv4(pool: Uint8Array, offset: number): number {
    return this.#find(ROOT_IPV4, pool, offset, 4);
  }

  findIpv6(pool: Uint8Array, offset: number): number {
    return this.#find(ROOT_IPV6, pool, offset, 16);
  }

  findDestination(view: FrameView): number {
    if (view.ipVersion === 4) return this.findIpv4(view.pool, view.destinationAddressOffset);
    return view.ipVersion === 6 ? this.findIpv6(view.pool, view.destinationAddressOffset) : NO_PREFIX;
  }

  findSource(view: FrameView): number {
    if (view.ipVersion === 4) return this.findIpv4(view.pool, view.sourceAddressOffset);
    return view.ipVersion === 6 ? this.findIpv6(view.pool, view.sourceAddressOffset) : NO_PREFIX;
  }

  #find(root: number, pool: Uint8Array, offset: number, bytes: number): number {
    const nodes = this.#nodes;
    let found = 0;
    let node = root;
    for (let at = offset; at < offset + bytes && node !== 0; at++) {
      const entry = node * NODE_WORDS + u8(pool, at) * ENTRY_WORDS;
      const id = nodes[entry + ID_AT] ?? 0;
      if (id !== 0) found = id;
      node = nodes[entry] ?? 0;
    }
    return found - 1;
  }

  /** @returns the node that the first `depth` bytes lead to; those that were missing on the way are made. */
  #walk(bytes: Uint8Array, depth: number): number {
    let node = bytes.length === 4 ? ROOT_IPV4 : ROOT_IPV6;
    for (let step = 0; step < depth; step++) {
      const entry = node * NODE_WORDS + u8(bytes, step) * ENTRY_WORDS;
      let next = this.#nodes[entry] ?? 0;
      if (next === 0) {
        next = this.#newNode(); // May replace the array.
        this.#nodes[entry] = next;
      }
      node = next;
    }
    return node;
  }

  #newNode(): number {
    if ((this.#nodeCount + 1) * NODE_WORDS > this.#nodes.length) {
      const grown = new Int32Array(this.#nodes.length * 2);
      grown.set(this.#nodes);
      this.#nodes = grown;
    }
    return this.#nodeCount++;
  }
}
