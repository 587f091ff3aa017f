import type { FrameView } from "../packet/index.ts";
import type { Peer } from "../peer/index.ts";

/** No peer is meant: the frame is dropped. */
export const NOBODY = -1;
/** A broadcast, multicast or unknown address of a bridged bond: all peers get it. */
export const EVERYBODY = -2;
/** The frame came back to us: its sender is at home with a peer. Carried on, it would go round for ever. */
export const LOOPED = -4;
/** The frame stays on this side: it goes to the TAP. */
export const TAP_SIDE = -3;

export type Admission = "accepted" | "foreign-source" | "client-to-client" | "not-routed" | "mac-moved";

/**
 * Which peer a frame from the TAP is for, and what a peer may send. Fulfilled by one class per mode: a client has one
 * peer only, a routed concentrator goes by IP address, a bridged one by MAC address.
 */
export interface Destinations {
  /** @returns a peer's id, NOBODY, EVERYBODY or LOOPED. */
  find(frame: FrameView, nowMs: number): number;
  /** Whether this peer may send this frame; a refusal is the name of its drop counter. */
  admit(peer: Peer, frame: FrameView, nowMs: number): Admission;
  /** Where an admitted frame of a peer goes: TAP_SIDE, a peer's id, or EVERYBODY (the TAP and all other peers). */
  onward(peer: Peer, frame: FrameView, nowMs: number): number;
  peer(id: number): Peer | undefined;
  peers(): Iterable<Peer>;
  add(peer: Peer): void;
  remove(peer: Peer): void;
  /** @param prefixes addresses and routes of this peer in CIDR notation; only a routed concentrator goes by them. */
  setPrefixes(peerId: number, prefixes: readonly string[]): void;
  /** Frames from the TAP go to this peer; only a client that has several goes by it. */
  use(peerId: number): void;
  /** Whether admit() looks at frames at all; a client does not need to take them apart. */
  readonly inspects: boolean;
  /** Whether onward() does: without it everything stays on this side. */
  readonly relays: boolean;
}
