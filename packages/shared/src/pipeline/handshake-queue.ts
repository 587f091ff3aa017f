import { ENDPOINT_WORDS } from "../wire/index.ts";
import type { DropCounters } from "./drops.ts";

/** A handshake datagram with where it came from; the answer goes back the same way. */
export interface HandshakeDatagram {
  readonly bytes: Uint8Array;
  readonly socket: number;
  readonly endpoint: Int32Array;
}

/** Shortest and longest handshake datagram that is worth a look (docs/wire-format.md). */
const SHORTEST_BYTES = 40;
const LONGEST_BYTES = 400;
/** Datagrams the main thread may have before it. A flood beyond costs us one comparison each. */
const MAX_WAITING = 512;

/** Handshakes on their way to the main thread, which does the cryptography that costs milliseconds. Bounded. */
export class HandshakeQueue {
  readonly #pool: Uint8Array;
  readonly #drops: DropCounters;
  #items: HandshakeDatagram[] = [];
  /** Handed over and not yet said to be done. */
  outstanding = 0;

  constructor(pool: Uint8Array, drops: DropCounters) {
    this.#pool = pool;
    this.#drops = drops;
  }

  push(offset: number, length: number, socket: number, endpoints: Int32Array, at: number): void {
    if (length < SHORTEST_BYTES || length > LONGEST_BYTES) {
      this.#drops.malformed++;
      return;
    }
    if (this.outstanding + this.#items.length >= MAX_WAITING) {
      this.#drops["handshake-overload"]++;
      return;
    }
    this.#items.push({
      bytes: this.#pool.slice(offset, offset + length),
      socket,
      endpoint: endpoints.slice(at, at + ENDPOINT_WORDS),
    });
  }

  /** @returns what has gathered, undefined when nothing did. */
  take(): HandshakeDatagram[] | undefined {
    if (this.#items.length === 0) return undefined;
    const items = this.#items;
    this.#items = [];
    this.outstanding += items.length;
    return items;
  }

  onTaken(count: number): void {
    this.outstanding = Math.max(0, this.outstanding - count);
  }
}
