import { FrameView } from "../packet/index.ts";
import type { Path, Peer } from "../peer/index.ts";
import { DUPLICATE, NEW, type SlotVector } from "../reseq/index.ts";
import {
  type DatagramView,
  FRAGMENT_HEADER_BYTES,
  INNER_DUPLICATE,
  INNER_ETHERNET,
  INNER_EVEN,
  INNER_FRAGMENT,
  INNER_HEADER_BYTES,
  INNER_ORDERED,
  INNER_REALTIME,
  INNER_REPORTED,
  INNER_RETRANSMISSION,
} from "../wire/index.ts";
import { BatchList } from "./batch-list.ts";
import { type Destinations, EVERYBODY, TAP_SIDE } from "./destinations.ts";
import type { DropCounters, DropReason } from "./drops.ts";
import type { Egress } from "./egress.ts";
import { ETHERNET_BYTES, type EthernetWriter } from "./ethernet-writer.ts";
import type { PacketPool } from "./packet-pool.ts";
import { DESCRIPTOR_WORDS, LENGTH, OFFSET, type PacketPorts } from "./ports.ts";
import type { TapWriter } from "./tap-writer.ts";

/** Frames of a sender that wants arrivals reported are made to take the same time; what it sent again is late already. */
const STEADY_FLAGS = INNER_REPORTED | INNER_RETRANSMISSION;
/** Waits for no other frame, but takes the time that all take. */
const PACED_FLAGS = INNER_REALTIME | INNER_ORDERED;

/**
 * With fewer slots of the pool free than this, all receivers together may hold as many at most: else a few of them could take
 * all there are from everybody. With fewer free than the least, which a batch may take, nothing.
 */
const SHORT_SLOTS = 4_096;
const LEAST_SLOTS = 1_024;

/** The second half of the way in, from an opened data datagram to the TAP; ingress.ts lists the steps. */
export class Delivery {
  readonly #ports: PacketPorts;
  readonly #pool: PacketPool;
  readonly #datagrams: DatagramView;
  readonly #destinations: Destinations;
  readonly #egress: Egress;
  readonly #tap: TapWriter;
  readonly #ethernet: EthernetWriter;
  /** Where resequencers put what is due; drained after each push, so it holds frames of one peer only. */
  readonly #due: SlotVector;
  readonly #drops: DropCounters;
  readonly #view = new FrameView();
  /** Peers whose resequencer has to decide about a gap when the batch is through. */
  readonly #undecided = new BatchList<Peer>();

  constructor(parts: {
    ports: PacketPorts;
    pool: PacketPool;
    datagrams: DatagramView;
    destinations: Destinations;
    egress: Egress;
    tap: TapWriter;
    ethernet: EthernetWriter;
    due: SlotVector;
    drops: DropCounters;
  }) {
    this.#ports = parts.ports;
    this.#pool = parts.pool;
    this.#datagrams = parts.datagrams;
    this.#destinations = parts.destinations;
    this.#egress = parts.egress;
    this.#tap = parts.tap;
    this.#ethernet = parts.ethernet;
    this.#due = parts.due;
    this.#drops = parts.drops;
  }

  /** A routed peer's packets lie behind the Ethernet header that they get here. */
  payloadOffset(peer: Peer, slot: number): number {
    return this.#pool.frameOffset(slot) + (peer.mode === "routed" ? ETHERNET_BYTES : 0);
  }

  /**
   * @param plain where the inner header stands in the slot; the payload behind it is at payloadOffset().
   * @param isMade out of parity: its send time says nothing of the line. @returns true when the slot was passed on, false when
   * it is the caller's again.
   */
  push(
    peer: Peer,
    path: Path,
    slot: number,
    plain: number,
    plainBytes: number,
    nowMs: number,
    isMade = false,
  ): boolean {
    const inner = this.#datagrams;
    if (plainBytes < INNER_HEADER_BYTES) return this.#refuse("malformed");
    inner.readInner(plain);
    if (!isMade) {
      path.monitor.onDataTime(inner.sendTime, nowMs);
      if ((inner.flags & STEADY_FLAGS) === INNER_REPORTED) {
        peer.receiver.resequencer.onDelay(path.number, inner.sendTime, nowMs);
      }
    }
    const routed = (inner.flags & INNER_ETHERNET) === 0;
    if (routed !== (peer.mode === "routed")) return this.#refuse("not-routed");
    const bytes = plainBytes - INNER_HEADER_BYTES;
    if ((inner.flags & INNER_FRAGMENT) === 0) return this.#onWhole(peer, path, slot, bytes, nowMs);
    const joined = this.#join(peer, plain + INNER_HEADER_BYTES, bytes, nowMs);
    if (joined >= 0 && !this.#onWhole(peer, path, joined, peer.receiver.reassembler.completedBytes, nowMs)) {
      this.#pool.give(joined);
    }
    return false;
  }

  /** The batch is through: gaps are judged, and all that is due goes to the TAP. */
  flush(nowMs: number): void {
    const undecided = this.#undecided;
    for (let i = 0; i < undecided.count; i++) {
      const peer = undecided.at(i);
      if (peer === undefined) continue;
      peer.receiver.resequencer.onTimer(nowMs);
      this.#drain(peer, nowMs);
    }
    undecided.clear();
    this.#tap.flush();
    if (this.#pool.freeCount < SHORT_SLOTS) this.#makeRoom(nowMs);
  }

  /** @returns when it wants to be called again. */
  onTimer(peer: Peer, nowMs: number): number {
    const { resequencer, reassembler } = peer.receiver;
    resequencer.onTimer(nowMs);
    const { timedOut } = reassembler.counters;
    reassembler.onTimer(nowMs);
    this.#drops["fragment-incomplete"] += reassembler.counters.timedOut - timedOut;
    this.#drain(peer, nowMs);
    this.#tap.flush();
    return Math.min(resequencer.nextDeadlineMs, reassembler.nextDeadlineMs);
  }

  /** Hands on all that is held for a peer, without waiting any longer. */
  release(peer: Peer, nowMs: number): void {
    peer.receiver.resequencer.reset();
    this.#drain(peer, nowMs);
    this.#tap.flush();
  }

  /** The receiver that holds most hands half of it on before its time, or gives up the oldest pieces, until there is room again. */
  #makeRoom(nowMs: number): void {
    while (this.#pool.freeCount < SHORT_SLOTS) {
      let held = 0;
      let most = 0;
      let fattest: Peer | undefined;
      for (const peer of this.#destinations.peers()) {
        const heldFrames = peer.receiver.resequencer.heldFrames + peer.receiver.reassembler.partialFrames;
        held += heldFrames;
        if (heldFrames <= most) continue;
        most = heldFrames;
        fattest = peer;
      }
      if (fattest === undefined || (held <= SHORT_SLOTS && this.#pool.freeCount >= LEAST_SLOTS)) return;
      const { resequencer, reassembler } = fattest.receiver;
      const { evicted } = reassembler.counters;
      reassembler.holdAtMost((most >> 1) - resequencer.heldFrames);
      this.#drops["fragment-incomplete"] += reassembler.counters.evicted - evicted;
      resequencer.holdAtMost(most >> 1, nowMs);
      this.#drain(fattest, nowMs);
      this.#tap.flush();
    }
  }

  /** @returns the slot that holds the whole payload now, or -1. */
  #join(peer: Peer, at: number, bytes: number, nowMs: number): number {
    const inner = this.#datagrams;
    if (bytes <= FRAGMENT_HEADER_BYTES) {
      this.#refuse("malformed");
      return -1;
    }
    inner.readFragment(at);
    const { reassembler } = peer.receiver;
    const { refused, evicted } = reassembler.counters;
    const joined = reassembler.push(
      inner.flowSlot,
      inner.sequence,
      inner.fragmentOffset,
      inner.fragmentTotal,
      at + FRAGMENT_HEADER_BYTES,
      bytes - FRAGMENT_HEADER_BYTES,
      nowMs,
    );
    this.#drops["fragment-refused"] += reassembler.counters.refused - refused;
    this.#drops["fragment-incomplete"] += reassembler.counters.evicted - evicted;
    return joined;
  }

  #onWhole(peer: Peer, path: Path, slot: number, bytes: number, nowMs: number): boolean {
    const frame = this.#pool.frameOffset(slot);
    const frameBytes = this.payloadOffset(peer, slot) - frame + bytes;
    if (peer.mode === "routed" && !this.#ethernet.write(frame, bytes)) return this.#refuse("not-routed");
    if (frameBytes < ETHERNET_BYTES) return this.#refuse("malformed");
    if (this.#destinations.inspects) {
      this.#view.parse(this.#ports.pool, frame, frameBytes);
      const admission = this.#destinations.admit(peer, this.#view, nowMs);
      if (admission !== "accepted") return this.#refuse(admission);
    }
    this.#pool.descriptors[slot * DESCRIPTOR_WORDS + LENGTH] = frameBytes;
    return this.#inOrder(peer, path, slot, nowMs);
  }

  #inOrder(peer: Peer, path: Path, slot: number, nowMs: number): boolean {
    const { flags, flowSlot, sequence, sendTime } = this.#datagrams;
    const { resequencer, duplicates, realtimeDuplicates } = peer.receiver;
    if ((flags & INNER_REALTIME) === 0) {
      const ordered = (flags & INNER_ORDERED) !== 0 || !resequencer.passes(flowSlot, sequence);
      if (ordered) return this.#resequence(peer, path, slot, nowMs);
    }
    if ((flags & INNER_DUPLICATE) !== 0) {
      const filter = (flags & INNER_REALTIME) === 0 ? duplicates : realtimeDuplicates;
      const verdict = filter.accept(flowSlot, sequence);
      if (verdict !== NEW) return this.#refuse(verdict === DUPLICATE ? "duplicate" : "late-copy");
    }
    if ((flags & PACED_FLAGS) === PACED_FLAGS) {
      const isAgain = (flags & INNER_RETRANSMISSION) !== 0;
      resequencer.pace(slot, flowSlot, sendTime, nowMs, isAgain);
      this.#drain(peer, nowMs);
      return true;
    }
    this.#deliver(peer, slot, nowMs);
    return true;
  }

  #resequence(peer: Peer, path: Path, slot: number, nowMs: number): boolean {
    const { flags, flowSlot, sequence, sendTime } = this.#datagrams;
    const { resequencer, duplicates } = peer.receiver;
    const { tooOld } = duplicates;
    resequencer.repairMs = (flags & INNER_REPORTED) === 0 ? 0 : peer.repairMs;
    const isAgain = (flags & INNER_RETRANSMISSION) !== 0;
    const isEven = (flags & INNER_EVEN) !== 0;
    if (!resequencer.push(slot, flowSlot, sequence, path.number, sendTime, nowMs, isAgain, isEven)) {
      return this.#refuse(duplicates.tooOld > tooOld ? "late-copy" : "duplicate");
    }
    if (resequencer.nextDeadlineMs <= nowMs) this.#undecided.add(peer);
    this.#drain(peer, nowMs);
    return true;
  }

  #drain(peer: Peer, nowMs: number): void {
    const due = this.#due;
    for (let i = 0; i < due.count; i++) this.#deliver(peer, due.slots[i] ?? 0, nowMs);
    due.count = 0;
  }

  #deliver(peer: Peer, slot: number, nowMs: number): void {
    if (!this.#destinations.relays) {
      this.#tap.push(slot);
      return;
    }
    const offset = this.#pool.descriptors[slot * DESCRIPTOR_WORDS + OFFSET] ?? 0;
    const length = this.#pool.descriptors[slot * DESCRIPTOR_WORDS + LENGTH] ?? 0;
    this.#view.parse(this.#ports.pool, offset, length);
    const onward = this.#destinations.onward(peer, this.#view, nowMs);
    if (onward === EVERYBODY) {
      for (const other of this.#destinations.peers()) {
        if (other !== peer && !other.enrolling) this.#egress.relay(offset, length, other, nowMs);
      }
    } else if (onward !== TAP_SIDE) {
      const other = this.#destinations.peer(onward);
      if (other !== undefined) this.#egress.relay(offset, length, other, nowMs);
      this.#pool.give(slot);
      return;
    }
    this.#tap.push(slot);
  }

  #refuse(reason: DropReason): false {
    this.#drops[reason]++;
    return false;
  }
}
