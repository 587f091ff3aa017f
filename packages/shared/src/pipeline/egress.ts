import { clampMss, FrameView, flowSlot } from "../packet/index.ts";
import type { Epoch, Path, Peer } from "../peer/index.ts";
import {
  type DatagramView,
  FRAGMENT_HEADER_BYTES,
  INNER_DUPLICATE,
  INNER_ETHERNET,
  INNER_FRAGMENT,
  INNER_HEADER_BYTES,
  INNER_ORDERED,
  SEND_TIME_UNIT_US,
  SEQUENCE_MODULUS,
  TYPE_DATA,
} from "../wire/index.ts";
import { type Destinations, EVERYBODY, LOOPED, NOBODY } from "./destinations.ts";
import type { DropCounters } from "./drops.ts";
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
 *   5. number it in its flow slot, stamp the time  wire/
 *   6. cut it if it is longer than a member takes
 *   7. seal and send the batch                     transmit-batch.ts
 * One thread does all of it in this order; frames of one batch keep their order on each path.
 */
export class Egress {
  readonly #ports: PacketPorts;
  readonly #datagrams: DatagramView;
  readonly #batch: TransmitBatch;
  readonly #destinations: Destinations;
  readonly #drops: DropCounters;
  readonly #view = new FrameView();
  /** Empty slots in hand, posted to the TAP; the frames in them are gone when the batch is flushed. */
  readonly #slots = new Int32Array(TAP_BATCH);
  readonly #descriptors = new Int32Array(TAP_BATCH * DESCRIPTOR_WORDS);
  #sendTime = 0;

  constructor(
    ports: PacketPorts,
    pool: PacketPool,
    datagrams: DatagramView,
    batch: TransmitBatch,
    destinations: Destinations,
    drops: DropCounters,
  ) {
    this.#ports = ports;
    this.#datagrams = datagrams;
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
    this.#stampTime(nowMs);
    for (let i = 0; i < count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      this.#onFrame(this.#descriptors[at + OFFSET] ?? 0, this.#descriptors[at + LENGTH] ?? 0, nowMs);
    }
    this.#batch.flush(nowMs);
    return count;
  }

  /** A frame of one peer that is meant for another, or for all others (a bridged concentrator with clientToClient). */
  relay(offset: number, length: number, peer: Peer, nowMs: number): void {
    this.#stampTime(nowMs);
    this.#view.parse(this.#ports.pool, offset, length);
    this.#copyTo(peer, offset, length, nowMs);
  }

  #stampTime(nowMs: number): void {
    this.#sendTime = Math.floor((nowMs * 1000) / SEND_TIME_UNIT_US) % SEQUENCE_MODULUS;
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
    const plain = payload - INNER_HEADER_BYTES;
    this.#datagrams.writeInner(plain, flags, this.#sendTime, slot, sequence);
    for (let left = members; left !== 0; left &= left - 1) {
      const path = peer.paths[31 - Math.clz32(left & -left)];
      if (path === undefined) continue;
      if (payloadBytes <= path.payloadLimit) {
        this.#batch.add(path, epoch, TYPE_DATA, plain, payloadBytes + INNER_HEADER_BYTES, nowMs);
      } else {
        this.#sendFragments(path, epoch, payload, payloadBytes, flags, slot, sequence, nowMs);
      }
    }
  }

  /** MikroTik's MRRU: what is longer than a member's MTU is cut here and joined at the far end, in equal parts. */
  #sendFragments(
    path: Path,
    epoch: Epoch,
    payload: number,
    payloadBytes: number,
    flags: number,
    slot: number,
    sequence: number,
    nowMs: number,
  ): void {
    const room = path.payloadLimit - FRAGMENT_HEADER_BYTES;
    if (room <= 0) {
      this.#drops["too-long"]++;
      return;
    }
    const partBytes = Math.ceil(payloadBytes / Math.ceil(payloadBytes / room));
    for (let from = 0; from < payloadBytes; from += partBytes) {
      const plain = this.#batch.borrow();
      if (plain < 0) return;
      const bytes = Math.min(partBytes, payloadBytes - from);
      const body = plain + INNER_HEADER_BYTES + FRAGMENT_HEADER_BYTES;
      this.#datagrams.writeInner(plain, flags | INNER_FRAGMENT, this.#sendTime, slot, sequence);
      this.#datagrams.writeFragment(plain + INNER_HEADER_BYTES, from, payloadBytes);
      this.#ports.pool.copyWithin(body, payload + from, payload + from + bytes);
      this.#batch.add(path, epoch, TYPE_DATA, plain, body - plain + bytes, nowMs);
    }
  }
}
