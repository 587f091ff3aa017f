import type { FrameView } from "../packet/index.ts";
import type { Peer } from "../peer/index.ts";
import { type Admission, type Destinations, NOBODY, TAP_SIDE } from "./destinations.ts";

/**
 * A client's side: everything goes to the one concentrator that is in use, the first unless told otherwise. What comes
 * from any of them is welcome.
 */
export class SinglePeer implements Destinations {
  readonly inspects = false;
  readonly relays = false;
  readonly #peers: Peer[] = [];
  #used: number | undefined;

  find(_frame: FrameView, _nowMs: number): number {
    return this.#used ?? this.#peers[0]?.id ?? NOBODY;
  }

  use(peerId: number): void {
    this.#used = peerId;
  }

  admit(_peer: Peer, _frame: FrameView, _nowMs: number): Admission {
    return "accepted";
  }

  onward(_peer: Peer, _frame: FrameView, _nowMs: number): number {
    return TAP_SIDE;
  }

  peer(id: number): Peer | undefined {
    return this.#peers.find((peer) => peer.id === id);
  }

  peers(): Iterable<Peer> {
    return this.#peers;
  }

  add(peer: Peer): void {
    this.#peers.push(peer);
  }

  remove(peer: Peer): void {
    const at = this.#peers.indexOf(peer);
    if (at >= 0) this.#peers.splice(at, 1);
  }

  setPrefixes(_peerId: number, _prefixes: readonly string[]): void {}
}
