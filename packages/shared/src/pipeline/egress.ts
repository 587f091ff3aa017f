import { clampMss, FrameView, flowSlot } from "../packet/index.ts";
import type { Epoch, Peer, PeerSender } from "../peer/index.ts";
import { INNER_DUPLICATE, INNER_ETHERNET, INNER_ORDERED } from "../wire/index.ts";
import { BatchList } from "./batch-list.ts";
import { type Destinations, EVERYBODY, LOOPED, NOBODY } from "./destinations.ts";
import type { DropCounters, DropReason } from "./drops.ts";
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
 *      or hand it to the sender that keeps it      aggregate-link.ts
 *   5. number it in its flow slot, stamp the time, cut it if it is longer than a member takes    frame-sender.ts
 *   6. seal and send the batch                     transmit-batch.ts
 * One thread does all of it in this order; frames of one batch keep their order on each path.
 */
export class Egress {
  readonly #ports: PacketPorts;
  readonly #sender: FrameSender;
  readonly #pool: PacketPool;
  readonly #batch: TransmitBatch;
  readonly #destinations: Destinations;
  readonly #drops: DropCounters;
  readonly #view = new FrameView();
  /** Empty slots in hand, posted to the TAP; the frames in them are gone when the batch is flushed. */
  readonly #slots = new Int32Array(TAP_BATCH);
  readonly #descriptors = new Int32Array(TAP_BATCH * DESCRIPTOR_WORDS);
  /** Peers whose senders have got frames since the last flush. */
  readonly #queued = new BatchList<Peer>();
  #first = 0;

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
    this.#pool = pool;
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
  onTapReadable(tap: number): number {
    const count = this.#ports.tapRead(tap, this.#descriptors, TAP_BATCH);
    if (count <= 0) return 0;
    const nowMs = this.#ports.nowMs();
    for (let i = 0; i < count; i++) this.#onFrame(i, nowMs);
    this.#flush(nowMs);
    return count;
  }

  /** A frame of one peer that is meant for another, or for all others (a bridged concentrator with clientToClient). */
  relay(offset: number, length: number, peer: Peer, nowMs: number): void {
    this.#view.parse(this.#ports.pool, offset, length);
    this.#copyTo(peer, offset, length, nowMs);
    this.#flush(nowMs);
  }

  #flush(nowMs: number): void {
    if (this.#queued.count > 0) this.#pumpAll(this.#first++, nowMs);
    this.#batch.flush(nowMs);
  }

  /** Another one is the first each time: what is sent last may not find room in the socket any more. */
  #pumpAll(first: number, nowMs: number): void {
    const queued = this.#queued;
    for (let i = 0; i < queued.count; i++) queued.at((first + i) % queued.count)?.sender?.pump(nowMs);
    queued.clear();
  }

  #onFrame(i: number, nowMs: number): void {
    const offset = this.#descriptors[i * DESCRIPTOR_WORDS + OFFSET] ?? 0;
    const length = this.#descriptors[i * DESCRIPTOR_WORDS + LENGTH] ?? 0;
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
      if (peer !== undefined && this.#sendTo(peer, this.#slots[i] ?? 0, offset, length, nowMs)) this.#refill(i);
    }
  }

  /** The frame of this place is kept by a sender: an empty slot takes its place. */
  #refill(i: number): void {
    const slot = this.#pool.take();
    this.#slots[i] = slot;
    this.#descriptors[i * DESCRIPTOR_WORDS + OFFSET] = this.#pool.frameOffset(slot);
  }

  /** A flooded frame is numbered anew for each peer, so each gets a copy of its own. */
  #copyTo(peer: Peer, offset: number, length: number, nowMs: number): void {
    if (peer.enrolling) return;
    const slot = this.#pool.take();
    if (slot < 0) {
      this.#drops["pool-empty"]++;
      return;
    }
    const copy = this.#pool.frameOffset(slot);
    this.#ports.pool.copyWithin(copy, offset, offset + length);
    this.#view.parse(this.#ports.pool, copy, length);
    if (!this.#sendTo(peer, slot, copy, length, nowMs)) this.#batch.lend(slot);
  }

  /** @returns true when the slot was taken over. */
  #sendTo(peer: Peer, slot: number, offset: number, length: number, nowMs: number): boolean {
    const epoch = peer.sending;
    if (epoch === undefined) return this.#drop("no-session");
    const view = this.#view;
    const routed = peer.mode === "routed";
    if (routed && view.ipOffset < 0) return this.#drop("not-ip");
    clampMss(this.#ports.pool, view, Math.min(peer.innerMtu, peer.farInnerMtu));
    const payload = routed ? view.ipOffset : offset;
    const payloadBytes = offset + length - payload;
    const flags = routed ? 0 : INNER_ETHERNET;
    if (peer.sender !== undefined) return this.#keep(peer, peer.sender, slot, payload, payloadBytes, flags, nowMs);
    const members = peer.bond.pick(view, length, nowMs);
    if (members === 0) return this.#drop("no-member");
    this.#sendOn(peer, epoch, members, payload, payloadBytes, flags, nowMs);
    return false;
  }

  #keep(
    peer: Peer,
    sender: PeerSender,
    slot: number,
    payload: number,
    payloadBytes: number,
    flags: number,
    nowMs: number,
  ): boolean {
    if (this.#pool.spareCount < 0 && !this.#shed()) return this.#drop("pool-empty");
    sender.push(slot, this.#view, payload, payloadBytes, flags, nowMs);
    this.#queued.add(peer);
    return true;
  }

  /** A frame of the peer for which the most waits makes room for one of any peer. @returns false when nothing waits. */
  #shed(): boolean {
    let fattest: PeerSender | undefined;
    for (const { sender } of this.#destinations.peers()) {
      if ((sender?.queuedBytes ?? 0) > (fattest?.queuedBytes ?? 0)) fattest = sender;
    }
    fattest?.shed();
    return fattest !== undefined;
  }

  #drop(reason: DropReason): false {
    this.#drops[reason]++;
    return false;
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
    const ordered = peer.bond.resequences ? INNER_ORDERED : 0;
    const copied = (members & (members - 1)) !== 0 && peer.bond.dedups ? INNER_DUPLICATE : 0;
    for (let left = members; left !== 0; left &= left - 1) {
      const path = peer.paths[31 - Math.clz32(left & -left)];
      if (path === undefined) continue;
      this.#sender.send(path, epoch, payload, payloadBytes, flags | ordered | copied, slot, sequence, nowMs);
    }
  }
}
