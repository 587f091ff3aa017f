import { type FrameView, isGroupMac, MAC_BYTES, macNumber } from "../packet/index.ts";
import type { Peer } from "../peer/index.ts";
import { type Admission, type Destinations, EVERYBODY, LOOPED, NOBODY, TAP_SIDE } from "./destinations.ts";
import { LOCAL_PORT, MacTable, UNKNOWN_PORT } from "./mac-table.ts";

function sourceMac(frame: FrameView): number {
  return frame.macOffset + MAC_BYTES;
}

/**
 * A bridge between the TAP (a port of a Linux bridge) and the peers, at both ends of a bridged bond. It learns MAC
 * addresses per port and never sends a frame back where it came from; peers do not hear each other unless clientToClient,
 * so that two clients on one LAN make no loop through here. With clientToClient they do not either: what comes through the
 * tunnel later than over the LAN is not believed. Spanning-tree frames pass, as they do through EoIP, so that the user's
 * own bridges see loops beyond.
 */
export class BridgedPeers implements Destinations {
  readonly inspects = true;
  readonly relays: boolean;
  readonly #peers = new Map<number, Peer>();
  readonly #stations = new MacTable();

  constructor(clientToClient: boolean) {
    this.relays = clientToClient;
  }

  find(frame: FrameView, nowMs: number): number {
    if (frame.macOffset < 0) return NOBODY;
    if (!isGroupMac(frame.pool, sourceMac(frame))) {
      const sender = macNumber(frame.pool, sourceMac(frame));
      if (!this.#stations.learn(sender, LOCAL_PORT, nowMs)) return LOOPED;
    }
    if (isGroupMac(frame.pool, frame.macOffset)) return EVERYBODY;
    const port = this.#stations.find(macNumber(frame.pool, frame.macOffset), nowMs);
    if (port === UNKNOWN_PORT) return EVERYBODY;
    return port === LOCAL_PORT ? NOBODY : port;
  }

  admit(peer: Peer, frame: FrameView, nowMs: number): Admission {
    if (frame.macOffset < 0 || isGroupMac(frame.pool, sourceMac(frame))) return "foreign-source";
    return this.#stations.learn(macNumber(frame.pool, sourceMac(frame)), peer.id, nowMs) ? "accepted" : "mac-moved";
  }

  onward(peer: Peer, frame: FrameView, nowMs: number): number {
    if (!this.relays) return TAP_SIDE;
    if (isGroupMac(frame.pool, frame.macOffset)) return EVERYBODY;
    const port = this.#stations.find(macNumber(frame.pool, frame.macOffset), nowMs);
    if (port === UNKNOWN_PORT) return EVERYBODY;
    return port === LOCAL_PORT || port === peer.id ? TAP_SIDE : port;
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
  }

  remove(peer: Peer): void {
    this.#peers.delete(peer.id);
    this.#stations.forgetPort(peer.id);
  }

  setPrefixes(_peerId: number, _prefixes: readonly string[]): void {}
}
