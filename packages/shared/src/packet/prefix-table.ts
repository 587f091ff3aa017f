import { u8 } from "./bytes.ts";
import type { FrameView } from "./frame-view.ts";
import type { IpPrefix } from "./ip-address.ts";

/** What a lookup gives when no prefix covers the address. */
export const NO_PREFIX = -1;

/** Words of a node: child for bit 0, child for bit 1, id + 1. Node 0 is none, 1 the root of IPv4, 2 of IPv6. */
const NODE_WORDS = 3;
const ID_AT = 2;
const ROOT_IPV4 = 1;
const ROOT_IPV6 = 2;
const FIRST_NODES = 64;

/**
 * Longest-prefix match over IPv4 and IPv6 prefixes: a binary trie in one Int32Array, read straight from the pool.
 * Built from configuration, which may change; a removed prefix leaves its nodes for the next one.
 */
export class PrefixTable {
  #nodes = new Int32Array(FIRST_NODES * NODE_WORDS);
  #nodeCount = 3;

  /** @param id >= 0. A prefix that is there already gets the new id. Bits behind the prefix are ignored. */
  insert(prefix: IpPrefix, id: number): void {
    this.#nodes[this.#walk(prefix, true) * NODE_WORDS + ID_AT] = id + 1;
  }

  remove(prefix: IpPrefix): void {
    const node = this.#walk(prefix, false);
    if (node > 0) this.#nodes[node * NODE_WORDS + ID_AT] = 0;
  }

  /** @returns the id of the longest prefix that covers the four bytes at offset, or NO_PREFIX. */
  lookupIpv4(pool: Uint8Array, offset: number): number {
    return this.#lookup(ROOT_IPV4, pool, offset, 32);
  }

  lookupIpv6(pool: Uint8Array, offset: number): number {
    return this.#lookup(ROOT_IPV6, pool, offset, 128);
  }

  lookupDestination(view: FrameView): number {
    if (view.ipVersion === 4) return this.lookupIpv4(view.pool, view.destinationAddressOffset);
    return view.ipVersion === 6 ? this.lookupIpv6(view.pool, view.destinationAddressOffset) : NO_PREFIX;
  }

  lookupSource(view: FrameView): number {
    if (view.ipVersion === 4) return this.lookupIpv4(view.pool, view.sourceAddressOffset);
    return view.ipVersion === 6 ? this.lookupIpv6(view.pool, view.sourceAddressOffset) : NO_PREFIX;
  }

  #lookup(root: number, pool: Uint8Array, offset: number, bits: number): number {
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

  /** @returns the node of the prefix; 0 when there is none and it is not to be made. */
  #walk(prefix: IpPrefix, makeNodes: boolean): number {
    let node = prefix.bytes.length === 4 ? ROOT_IPV4 : ROOT_IPV6;
    for (let bit = 0; bit < prefix.bits && node !== 0; bit++) {
      const at = node * NODE_WORDS + bitOf(prefix.bytes, 0, bit);
      if (this.#nodes[at] === 0 && makeNodes) {
        // Before the store: growing replaces the array.
        const made = this.#newNode();
        this.#nodes[at] = made;
      }
      node = this.#nodes[at] ?? 0;
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
