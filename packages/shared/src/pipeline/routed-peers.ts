import { type FrameView, PrefixTable } from "../packet/index.ts";
import type { Peer } from "../peer/index.ts";
import { type Admission, type Destinations, NOBODY, TAP_SIDE } from "./destinations.ts";

/**
 * A routed concentrator: a packet goes to the peer whose addresses or routes hold its destination, and a peer may only
 * send from its own (WireGuard calls it cryptokey routing).
 */
export class RoutedPeers implements Destinations {
  readonly inspects = true;
  readonly relays = false;
  readonly #peers = new Map<number, Peer>();
  readonly #prefixes = new Map<number, readonly string[]>();
  readonly #clientToClient: boolean;
  #table = new PrefixTable();

  constructor(clientToClient: boolean) {
    this.#clientToClient = clientToClient;
  }

  /** @param prefixes addresses and routes of this peer, in CIDR notation. */
  setPrefixes(id: number, prefixes: readonly string[]): void {
    this.#prefixes.set(id, prefixes);
    this.#rebuild();
  }

  find(frame: FrameView, _nowMs: number): number {
    return this.#table.findDestination(frame);
  }

  admit(peer: Peer, frame: FrameView, _nowMs: number): Admission {
    if (frame.ipOffset < 0) return "not-routed";
    if (this.#table.findSource(frame) !== peer.id) return "foreign-source";
    if (!this.#clientToClient && this.#table.findDestination(frame) !== NOBODY) return "client-to-client";
    return "accepted";
  }

  /** Between clients too: the kernel routes it back into the TAP, where the operator's firewall sees it. */
  onward(_peer: Peer, _frame: FrameView, _nowMs: number): number {
    return TAP_SIDE;
  }

  use(_peerId: number): void {}

  peer(id: number): Peer | undefined {
    return this.#peers.get(id);
  }

  peers(): Iterable<Peer> {
    return this.#peers.values();
  }

  add(peer: Peer): void {
    this.#peers.set(peer.id, peer);
    this.#rebuild();
  }

  remove(peer: Peer): void {
    this.#peers.delete(peer.id);
    this.#prefixes.delete(peer.id);
    this.#rebuild();
  }

  #rebuild(): void {
    this.#table = new PrefixTable();
    for (const [id, prefixes] of this.#prefixes) {
      if (!this.#peers.has(id)) continue;
      for (const prefix of prefixes) this.#table.add(prefix, id);
    }
  }
}
