import {
  type AggregateEvent,
  AggregateSender,
  type AggregateSink,
  EvenFlows,
  FqCodel,
  FullTime,
  isPureTcpAck,
  type MemberFigures,
  RealtimeFilter,
  RedundancyBudget,
  type TransmitKind,
  VirtualQueueController,
} from "../aggregate/index.ts";
import { type FrameView, flowNumber, markCongestion, PROTOCOL_TCP, slotOfFlow } from "../packet/index.ts";
import type { Peer, PeerSender, SenderHistory, SenderTotals } from "../peer/index.ts";
import {
  type FeedbackReader,
  INNER_DUPLICATE,
  INNER_EVEN,
  INNER_HEADER_BYTES,
  INNER_ORDERED,
  INNER_REALTIME,
  INNER_REPORTED,
  INNER_RETRANSMISSION,
  MAX_PATHS,
  OUTER_HEADER_BYTES,
  TAG_BYTES,
} from "../wire/index.ts";
import type { ControlChannel } from "./control-channel.ts";
import type { DropCounters } from "./drops.ts";
import type { FrameSender } from "./frame-sender.ts";
import type { KeptFrames } from "./kept-frames.ts";
import type { PacketPool } from "./packet-pool.ts";
import { ParitySender } from "./parity-sender.ts";
import type { PacketPorts } from "./ports.ts";
import type { TransmitBatch } from "./transmit-batch.ts";

/** What a frame's datagram has beside it over IPv4: 20 IP, 8 UDP. IPv6 has 20 more, which no decision hangs on. */
const DATAGRAM_BYTES = 28 + OUTER_HEADER_BYTES + INNER_HEADER_BYTES + TAG_BYTES;
/** With more in the queue the lines together are full. */
const FULL_BACKLOG_MS = 5;
/** What has kept the lines full for so long has found its rate, and heeds no wait; the other where much is lost. */
const LONG_FULL_MS = 1_500;
const LONG_FULL_LOSSY_MS = 4_000;
const MUCH_LOSS_RATIO = 0.01;
/** What is sent again within this holds up little. */
const SOON_REPEATED_MS = 80;
/** Kept for retransmission: 100 ms of 300 Mbit/s, and the queue of the bond is as long again. */
const KEPT_LIMIT_BYTES = 8_000_000;
/** Slots that a peer may take, to queue and to keep, however few are left. */
const LEAST_ROOM = 64;

export interface AggregateLinkParts {
  readonly ports: PacketPorts;
  readonly sender: FrameSender;
  readonly batch: TransmitBatch;
  readonly control: ControlChannel;
  readonly kept: KeptFrames;
  readonly pool: PacketPool;
  readonly drops: DropCounters;
  event(event: AggregateEvent): void;
}

/** Connects an aggregate sender with the packet loop: numbers, flags and headers of its frames, and their slots. */
export class AggregateLink implements PeerSender, AggregateSink {
  readonly #peer: Peer;
  readonly #parts: AggregateLinkParts;
  readonly #kept: KeptFrames;
  readonly #realtime: RealtimeFilter;
  /** How the far end treats what is not real-time: restores its order, or removes copies only. */
  readonly #orderFlag: number;
  readonly #budget = new RedundancyBudget();
  readonly #queue: FqCodel;
  readonly #sender: AggregateSender;
  readonly #parity: ParitySender;
  readonly #evenFlows = new EvenFlows();
  /** The far end gives even flows the delay of several paths. */
  #mayBeEven = false;
  #eligible = 0;
  readonly #fullTime = new FullTime();
  #rateSetMs = Number.NEGATIVE_INFINITY;

  constructor(peer: Peer, parts: AggregateLinkParts) {
    this.#peer = peer;
    this.#realtime = new RealtimeFilter(peer.settings.realtime);
    this.#orderFlag = peer.bond.resequences ? INNER_ORDERED : INNER_DUPLICATE;
    this.#parts = parts;
    this.#kept = parts.kept;
    const { table, dropped } = parts.kept;
    this.#queue = new FqCodel(table, dropped, this);
    this.#sender = new AggregateSender({
      sink: this,
      frames: table,
      queue: this.#queue,
      dropped,
      budget: this.#budget,
      createController: (_path, onDelay) => new VirtualQueueController(onDelay),
      keptLimitBytes: KEPT_LIMIT_BYTES,
    });
    this.#parity = new ParitySender(peer, parts.ports, parts.batch, this);
  }

  // ---- what the packet loop tells

  push(slot: number, view: FrameView, payload: number, payloadBytes: number, innerFlags: number, nowMs: number): void {
    const kept = this.#kept;
    const flow = flowNumber(view);
    this.#sender.setRoom(Math.max(LEAST_ROOM, this.#parts.pool.spareCount));
    const bytes = payloadBytes + DATAGRAM_BYTES;
    const isEven = this.#evenFlows.isEven(view, flow, bytes, this.#mayBeEven, nowMs);
    // A frame whose flow has others waiting must not overtake them.
    const isRealtime = this.#realtime.isRealtime(view, flow, nowMs) && this.#queue.flowPackets(flow) === 0;
    kept.payloads[slot] = payload;
    kept.payloadBytes[slot] = payloadBytes;
    kept.ipOffsets[slot] = view.ipOffset;
    // A TCP measures the line by all of its frames: what goes at once arrives no sooner than the others would.
    const overtakes = isRealtime && view.protocol !== PROTOCOL_TCP && !isEven;
    const waitsForNone = overtakes || isPureTcpAck(view);
    kept.innerFlags[slot] =
      innerFlags |
      INNER_REPORTED |
      (overtakes ? 0 : this.#orderFlag) |
      (waitsForNone ? INNER_REALTIME | INNER_DUPLICATE : 0) |
      (isEven ? INNER_EVEN : 0);
    this.#sender.enqueue(slot, flow, bytes, isRealtime, isEven, nowMs);
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  shed(): void {
    this.#sender.shed();
  }

  pump(nowMs: number): void {
    this.#sender.pump(nowMs);
    this.#parity.flush(nowMs);
  }

  onTimer(nowMs: number): number {
    if (nowMs >= this.#sender.nextDeadlineMs) this.#sender.onTimer(nowMs);
    if (nowMs - this.#rateSetMs >= 100) {
      this.#rateSetMs = nowMs;
      this.#realtime.setRate(this.#sender.rateBytesPerMs, nowMs);
      this.#parity.choose();
      this.#fullTime.sample(this.#isFull, nowMs);
      this.#lookForBulk(nowMs);
    }
    this.#parity.flush(nowMs);
    return Math.min(this.#sender.nextDeadlineMs, this.#parity.nextDeadlineMs);
  }

  get suspects(): number {
    return this.#sender.suspects;
  }

  get rateBytesPerMs(): number {
    return this.#sender.rateBytesPerMs;
  }

  onControlSent(path: number, counter: number, bytes: number, nowMs: number): void {
    this.#sender.onControlSent(path, counter, bytes, nowMs);
  }

  onFeedback(feedback: FeedbackReader, nowMs: number): void {
    this.#sender.onFeedback(feedback, nowMs);
    this.#parity.flush(nowMs);
  }

  onHeld(steadyPaths: number, evenPaths: number): void {
    this.#mayBeEven = (evenPaths & (evenPaths - 1)) !== 0;
    this.#sender.onHeld(steadyPaths, evenPaths);
  }

  addPath(path: number, metered: boolean, speedKbps: number | null, nowMs: number): void {
    this.#sender.addPath(path, { metered, speedKbps }, nowMs);
    this.#eligible &= ~(1 << path);
  }

  removePath(path: number, nowMs: number): void {
    this.#parity.forget(path);
    this.#sender.removePath(path, nowMs);
    this.#eligible &= ~(1 << path);
  }

  setEligible(members: number, nowMs: number): void {
    const changed = members ^ this.#eligible;
    if (changed === 0) return;
    this.#eligible = members;
    for (let path = 0; path < MAX_PATHS; path++) {
      if ((changed & (1 << path)) !== 0) this.#sender.setUsable(path, (members & (1 << path)) !== 0, nowMs);
    }
  }

  figures(path: number, nowMs: number): MemberFigures | null {
    return this.#sender.figures(path, nowMs);
  }

  totals(): SenderTotals {
    const { packets, bytes, drops, markedFrames } = this.#queue;
    return {
      ...this.#sender.totals(),
      queue: { packets, bytes, drops: { ...drops }, markedFrames },
      realtimeFrames: { ...this.#realtime.counters },
      secondCopies: { ...this.#budget.counters },
    };
  }

  history(path: number): SenderHistory {
    return this.#sender.history(path);
  }

  close(): void {
    this.#parity.close();
    this.#sender.close();
  }

  // ---- what the aggregate sender asks

  transmit(slot: number, pathNumber: number, kind: TransmitKind, nowMs: number): number {
    const peer = this.#peer;
    const epoch = peer.sending;
    const path = peer.paths[pathNumber];
    if (epoch === undefined || path === undefined) return -1;
    this.#parts.batch.relieve(nowMs);
    const { table, payloads, payloadBytes, innerFlags, sequences } = this.#kept;
    const flowSlot = slotOfFlow(table.flows[slot] ?? 0);
    if (kind === "first") {
      const overtakes = ((innerFlags[slot] ?? 0) & INNER_REALTIME) !== 0;
      sequences[slot] = overtakes ? peer.nextRealtimeSequence(flowSlot) : peer.nextSequence(flowSlot);
    }
    const flags = (innerFlags[slot] ?? 0) | (kind === "retransmission" ? INNER_RETRANSMISSION : 0);
    const bytes = payloadBytes[slot] ?? 0;
    this.#parity.beforeSend(path, nowMs);
    const first = path.nextCounter;
    this.#parts.sender.send(path, epoch, payloads[slot] ?? 0, bytes, flags, flowSlot, sequences[slot] ?? 0, nowMs);
    const last = path.nextCounter - 1;
    for (let counter = first; counter < last; counter++) {
      this.#sender.onControlSent(pathNumber, counter, path.mtuBytes, nowMs);
    }
    peer.bond.countSent(pathNumber, bytes);
    return last < first ? -1 : last;
  }

  pad(pathNumber: number, nowMs: number): boolean {
    const path = this.#peer.paths[pathNumber];
    return path !== undefined && this.#parts.control.padding(this.#peer, path, nowMs);
  }

  heardMs(pathNumber: number): number {
    return this.#peer.paths[pathNumber]?.monitor.heardMs ?? Number.NEGATIVE_INFINITY;
  }

  onParitySent(path: number, counter: number, bytes: number, delayMs: number, nowMs: number): void {
    this.#sender.onParitySent(path, counter, bytes, delayMs, nowMs);
  }

  onParityForgone(path: number, counter: number): void {
    this.#sender.onParityForgone(path, counter);
  }

  onParityEnd(path: number): void {
    this.#sender.onParityEnd(path);
  }

  isBetterRepeated(path: number, lossRatio: number): boolean {
    if (!this.#isFull) return false;
    const fullMs = this.#fullTime.ms;
    if (lossRatio >= MUCH_LOSS_RATIO) return fullMs > LONG_FULL_LOSSY_MS;
    return fullMs > LONG_FULL_MS || this.#sender.repeatedAfterMs(path) < SOON_REPEATED_MS;
  }

  parityEvent(path: number, isOn: boolean, lossRatio: number): void {
    this.event({ type: "parity", path, isOn, lossRatio });
  }

  release(slot: number, drop: keyof DropCounters | null): void {
    if (drop !== null) this.#parts.drops[drop]++;
    this.#parts.batch.lend(slot);
  }

  event(event: AggregateEvent): void {
    this.#parts.event(event);
  }

  get #isFull(): boolean {
    return this.#queue.bytes > FULL_BACKLOG_MS * this.#sender.rateBytesPerMs;
  }

  #lookForBulk(nowMs: number): void {
    const { bytesPerMs, behindMs } = this.#sender.soonest;
    const found = this.#evenFlows.sources.look(bytesPerMs, behindMs, nowMs);
    if (found === null) return;
    const { rateBytesPerMs, soonestBytesPerMs } = found;
    this.event({ type: "bulk-source", rateKbps: 8 * rateBytesPerMs, soonestKbps: 8 * soonestBytesPerMs, behindMs });
  }

  markCe(slot: number): boolean {
    const ipOffset = this.#kept.ipOffsets[slot] ?? -1;
    return ipOffset >= 0 && markCongestion(this.#parts.ports.pool, ipOffset);
  }
}
