import { ReplayWindow } from "../crypto/index.ts";
import type { Peer } from "./peer.ts";

/**
 * The keys of one handshake as the packet loop sees them. `session` in a datagram's header is the receiver's localIndex.
 * The old epoch goes on opening what is still on a slow line; only the newest confirmed one seals.
 */
export class Epoch {
  readonly peer: Peer;
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** Index of both keys in the port's key tables. */
  readonly keyIndex: number;
  readonly cipher: number;
  readonly createdMs: number;
  /**
   * The far end is known to hold the keys, so they may be used for sending. The initiator knows at once; the responder
   * with the first authentic datagram (as WireGuard).
   */
  confirmed: boolean;
  /** One window per path: counters are per path, and a window over all of them would refuse what a slow line brings. */
  readonly #windows: (ReplayWindow | undefined)[] = [];

  constructor(
    peer: Peer,
    keys: { localIndex: number; remoteIndex: number; cipher: number; isInitiator: boolean },
    keyIndex: number,
    nowMs: number,
  ) {
    this.peer = peer;
    this.localIndex = keys.localIndex;
    this.remoteIndex = keys.remoteIndex;
    this.cipher = keys.cipher;
    this.keyIndex = keyIndex;
    this.confirmed = keys.isInitiator;
    this.createdMs = nowMs;
  }

  /** @returns false when the counter was seen before on this path or is too old to tell. */
  acceptCounter(pathNumber: number, counter: number): boolean {
    let window = this.#windows[pathNumber];
    if (window === undefined) {
      window = new ReplayWindow();
      this.#windows[pathNumber] = window;
    }
    return window.accept(counter);
  }
}
