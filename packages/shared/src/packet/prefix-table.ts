import { u8 } from "./bytes.ts";
import type { FrameView } from "./frame-view.ts";
import { type IpPrefix, parseIpPrefix } from "./ip-address.ts";

/** What a search gives when no prefix covers the address. */
export const NO_PREFIX = -1;

/** Words of a node: child for bit 0, child for bit 1, id + 1. Node 0 is none, 1 the root of IPv4, 2 of IPv6. */
const NODE_WORDS = 3;
const ID_AT = 2;
const ROOT_IPV4 = 1;
const ROOT_IPV6 = 2;
const FIRST_NODES = 64;

/**
 * Longest-prefix match over IPv4 and IPv6 prefixes: a binary trie in one Int32Array, read straight from the pool.
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
    const node = this.#walk(parsed); // First: it may replace the array.
    this.#nodes[node * NODE_WORDS + ID_AT] = id + 1;
  }

  /** @returns the id of the longest prefix that covers the four bytes at offset, or NO_PREFIX. */
  findIpv4(pool: Uint8Array, offset: number): number {
    return this.#find(ROOT_IPV4, pool, offset, 32);
  }

  findIpv6(pool: Uint8Array, offset: number): number {
    return this.#find(ROOT_IPV6, pool, offset, 128);
  }

  findDestination(view: FrameView): number {
    if (view.ipVersion === 4) return this.findIpv4(view.pool, view.destinationAddressOffset);
    return view.ipVersion === 6 ? this.findIpv6(view.pool, view.destinationAddressOffset) : NO_PREFIX;
  }

  findSource(view: FrameView): number {
    if (view.ipVersion === 4) return this.findIpv4(view.pool, view.sourceAddressOffset);
    return view.ipVersion === 6 ? this.findIpv6(view.pool, view.sourceAddressOffset) : NO_PREFIX;
  }

  #find(root: number, pool: Uint8Array, offset: number, bits: number): number {
    const nodes = this.#nodes;
    let found = 0;
    let node = root;
    for (let bit = 0; node !== 0; bit++) {
      const id = nodes[node * NODE_WORDS + ID_AT] ?? 0;
      if (id !== 0) found = id;
      if (bit === bits) break;
      node = nodes[node * NODE_WORDS + bitOf(pool, offset, bit)] ?? 0;
    }
    return found - 1;
  }

  /** @returns the node of the prefix; those that were missing on the way are made. */
  #walk(prefix: IpPrefix): number {
    let node = prefix.bytes.length === 4 ? ROOT_IPV4 : ROOT_IPV6;
    for (let bit = 0; bit < prefix.bits; bit++) {
      const at = node * NODE_WORDS + bitOf(prefix.bytes, 0, bit);
      let child = this.#nodes[at] ?? 0;
      if (child === 0) {
        child = this.#newNode(); // May replace the array.
        this.#nodes[at] = child;
      }
      node = child;
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

function bitOf(bytes: Uint8Array, offset: number, bit: number): number {
  return (u8(bytes, offset + (bit >> 3)) >> (7 - (bit & 7))) & 1;
}
