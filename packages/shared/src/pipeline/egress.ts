import { clampMss, FrameView, flowSlot } from "../packet/index.ts";
import type { Epoch, Peer } from "../peer/index.ts";
import { INNER_DUPLICATE, INNER_ETHERNET, INNER_ORDERED } from "../wire/index.ts";
import { type Destinations, EVERYBODY, LOOPED, NOBODY } from "./destinations.ts";
import type { DropCounters } from "./drops.ts";
import type { FrameSender } from "./frame-sender.ts";
import type { PacketPool } from "./packet-pool.ts";
import { DESCRIPTOR_WORDS, LENGTH, OFFSET, type PacketPorts } from "./ports.ts";
import type { TransmitBatch } from "./transmit-batch.ts";

/** Frames read from the TAP in one round. */
export const TAP_BATCH = 256;

/**
 * From the TAP to the lines:
 *   1. read a batch of frames                      ports.tapRead
 *   2. find the peer a frame is for                destinations
 *   3. clamp the MSS of a TCP handshake            packet/
 *   4. pick the member or members that carry it    bond/
 *   5. number it in its flow slot, stamp the time, cut it if it is longer than a member takes    frame-sender.ts
 *   6. seal and send the batch                     transmit-batch.ts
 * One thread does all of it in this order; frames of one batch keep their order on each path.
 */
export class Egress {
  readonly #ports: PacketPorts;
  readonly #sender: FrameSender;
  readonly #batch: TransmitBatch;
  readonly #destinations: Destinations;
  readonly #drops: DropCounters;
  readonly #view = new FrameView();
  /** Empty slots in hand, posted to the TAP; the frames in them are gone when the batch is flushed. */
  readonly #slots = new Int32Array(TAP_BATCH);
  readonly #descriptors = new Int32Array(TAP_BATCH * DESCRIPTOR_WORDS);

  constructor(
    ports: PacketPorts,
    pool: PacketPool,
    sender: FrameSender,
    batch: TransmitBatch,
    destinations: Destinations,
    drops: DropCounters,
  ) {
    this.#ports = ports;
    this.#sender = sender;
    this.#batch = batch;
    this.#destinations = destinations;
    this.#drops = drops;
    for (let i = 0; i < TAP_BATCH; i++) {
      const slot = pool.take();
      this.#slots[i] = slot;
      this.#descriptors[i * DESCRIPTOR_WORDS + OFFSET] = pool.frameOffset(slot);
    }
  }

  /** @returns frames taken from the TAP; TAP_BATCH means that more may be waiting. */
  onTapReadable(tap: number, nowMs: number): number {
    const count = this.#ports.tapRead(tap, this.#descriptors, TAP_BATCH);
    if (count <= 0) return 0;
    for (let i = 0; i < count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      this.#onFrame(this.#descriptors[at + OFFSET] ?? 0, this.#descriptors[at + LENGTH] ?? 0, nowMs);
    }
    this.#batch.flush(nowMs);
    return count;
  }

  /** A frame of one peer that is meant for another, or for all others (a bridged concentrator with clientToClient). */
  relay(offset: number, length: number, peer: Peer, nowMs: number): void {
    this.#view.parse(this.#ports.pool, offset, length);
    this.#copyTo(peer, offset, length, nowMs);
  }

  #onFrame(offset: number, length: number, nowMs: number): void {
    this.#view.parse(this.#ports.pool, offset, length);
    const id = this.#destinations.find(this.#view, nowMs);
    if (id === NOBODY) {
      this.#drops["no-route"]++;
    } else if (id === LOOPED) {
      this.#drops["mac-moved"]++;
    } else if (id === EVERYBODY) {
      for (const peer of this.#destinations.peers()) this.#copyTo(peer, offset, length, nowMs);
    } else {
      const peer = this.#destinations.peer(id);
      if (peer !== undefined) this.#sendTo(peer, offset, length, nowMs);
    }
  }

  /** A flooded frame is numbered anew for each peer, so each gets a copy of its own. */
  #copyTo(peer: Peer, offset: number, length: number, nowMs: number): void {
    const copy = this.#batch.borrow();
    if (copy < 0) return;
    this.#ports.pool.copyWithin(copy, offset, offset + length);
    this.#view.parse(this.#ports.pool, copy, length);
    this.#sendTo(peer, copy, length, nowMs);
  }

  #sendTo(peer: Peer, offset: number, length: number, nowMs: number): void {
    const epoch = peer.sending;
    if (epoch === undefined) {
      this.#drops["no-session"]++;
      return;
    }
    const view = this.#view;
    const routed = peer.mode === "routed";
    if (routed && view.ipOffset < 0) {
      this.#drops["not-ip"]++;
      return;
    }
    clampMss(this.#ports.pool, view, Math.min(peer.innerMtu, peer.farInnerMtu));
    const members = peer.bond.pick(view, length, nowMs);
    if (members === 0) {
      this.#drops["no-member"]++;
      return;
    }
    const payload = routed ? view.ipOffset : offset;
    let flags = routed ? 0 : INNER_ETHERNET;
    if (peer.bond.resequences) flags |= INNER_ORDERED;
    if ((members & (members - 1)) !== 0 && peer.bond.dedups) flags |= INNER_DUPLICATE;
    this.#sendOn(peer, epoch, members, payload, offset + length - payload, flags, nowMs);
  }

  #sendOn(
    peer: Peer,
    epoch: Epoch,
    members: number,
    payload: number,
    payloadBytes: number,
    flags: number,
    nowMs: number,
  ): void {
    const slot = flowSlot(this.#view);
    const sequence = peer.nextSequence(slot);
    for (let left = members; left !== 0; left &= left - 1) {
      const path = peer.paths[31 - Math.clz32(left & -left)];
      if (path === undefined) continue;
      this.#sender.send(path, epoch, payload, payloadBytes, flags, slot, sequence, nowMs);
    }
  }
}
