import { AggregateSender } from "../../src/aggregate/aggregate-sender.ts";
import type { AggregateEvent, AggregateSink, FrameDrop, TransmitKind } from "../../src/aggregate/aggregate-sink.ts";
import { DroppedSlots, FqCodel } from "../../src/aggregate/fq-codel.ts";
import { FrameTable } from "../../src/aggregate/frame-table.ts";
import type {
  ControllerFigures,
  ControllerPhase,
  FeedbackSample,
  PathController,
  SentMark,
} from "../../src/aggregate/path-controller.ts";
import { RedundancyBudget } from "../../src/aggregate/redundancy-budget.ts";
import { type Block, messageOf, readFeedback } from "./feedback-harness.ts";

export const BYTES = 1_000;
const SLOTS = 64;

/** A controller that a test opens, shuts and makes slow. */
export class FakeController implements PathController {
  rateBytesPerMs = 1_000;
  inflightBytes = 0;
  phase: ControllerPhase = "steady";
  baseOwdMs = 0;
  rttMinMs = 20;
  latenessMs = 0;
  pdvMs = 0;
  open = true;
  delayMs = 10;
  queuedMs = 0;
  driftMs = 0;
  readonly samples: FeedbackSample[] = [];
  lostBytes = 0;
  #sentBytes = 0;

  setTypedLimit(): void {}

  setSharing(): void {}

  onSent(bytes: number, _nowMs: number, mark: SentMark): void {
    this.#sentBytes += bytes;
    this.inflightBytes += bytes;
    mark.sentBytes = this.#sentBytes;
  }

  onCameLate(): void {}

  onGone(bytes: number, wasLost: boolean): void {
    this.inflightBytes -= bytes;
    if (wasLost) this.lostBytes += bytes;
  }

  onFeedback(sample: FeedbackSample): void {
    this.samples.push({ ...sample });
  }

  isOpen(): boolean {
    return this.open;
  }

  isOpenForUrgent(): boolean {
    return this.open;
  }

  nextOpenMs(nowMs: number): number {
    return this.open ? nowMs : Number.POSITIVE_INFINITY;
  }

  queueMs(): number {
    return this.queuedMs;
  }

  arrivalMs(): number {
    return this.delayMs;
  }

  driftingArrivalMs(): number {
    return this.delayMs + this.driftMs;
  }

  explain(): ControllerFigures {
    return {
      rateKbps: this.rateBytesPerMs * 8,
      deliveryKbps: null,
      inflightBytes: this.inflightBytes,
      windowBytes: 0,
      queueMs: 0,
      lineQueueMs: null,
      baseOwdMs: null,
      rttMinMs: null,
      pdvMs: 0,
      marginMs: 0,
      latenessMs: 0,
      plrRatio: 0,
      gain: 1,
      phase: this.phase,
    };
  }
}

/** A sender whose lines are the test: it reads what was sent and writes the feedback. */
export class SenderHarness implements AggregateSink {
  readonly sender: AggregateSender;
  readonly controllers: FakeController[] = [];
  readonly events: AggregateEvent[] = [];
  /** "what slot->path" of each datagram with a frame. */
  sent: string[] = [];
  readonly released = new Map<number, FrameDrop | null>();
  readonly counters: number[] = [];
  /** When anything came in, by path. */
  readonly heard: number[] = [];
  nowMs = 1_000;
  /** Paths on which nothing can be sent. */
  readonly blocked = new Set<number>();
  #nextSlot = 0;
  readonly #held = new Set<number>();
  readonly #makeController: () => FakeController;

  constructor(
    paths: readonly { metered?: boolean; speedKbps?: number; delayMs?: number }[],
    keptLimitBytes = 1e6,
    makeController = () => new FakeController(),
  ) {
    this.#makeController = makeController;
    const dropped = new DroppedSlots(SLOTS);
    const frames = new FrameTable(SLOTS);
    this.sender = new AggregateSender({
      sink: this,
      frames,
      queue: new FqCodel(frames, dropped, { markCe: () => false }),
      dropped,
      budget: new RedundancyBudget(),
      createController: (path) => this.#createController(path),
      keptLimitBytes,
    });
    for (const [path, { metered = false, speedKbps = null, delayMs = 10 }] of paths.entries()) {
      this.counters[path] = 0;
      this.sender.addPath(path, { metered, speedKbps }, this.nowMs);
      this.controller(path).delayMs = delayMs;
      this.sender.setUsable(path, true, this.nowMs);
    }
  }

  heardMs(path: number): number {
    return this.heard[path] ?? Number.NEGATIVE_INFINITY;
  }

  controller(path: number): FakeController {
    const controller = this.controllers[path];
    if (controller === undefined) throw new Error(`no path ${path}`);
    return controller;
  }

  /** @returns the slots, in order; those of the pool that are free come in turn. */
  send(count: number, isRealtime = false, bytes = BYTES, isEven = false): number[] {
    const slots: number[] = [];
    for (let i = 0; i < count; i++) {
      while (this.#held.has(this.#nextSlot)) this.#nextSlot = (this.#nextSlot + 1) % SLOTS;
      const slot = this.#nextSlot;
      this.#nextSlot = (slot + 1) % SLOTS;
      this.#held.add(slot);
      this.released.delete(slot);
      slots.push(slot);
      this.sender.enqueue(slot, slot % 256, bytes, isRealtime, isEven, this.nowMs);
    }
    this.sender.pump(this.nowMs);
    return slots;
  }

  get freeSlots(): number {
    return SLOTS - this.#held.size;
  }

  /** Lets time pass, with the timers it brings. */
  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let steps = 0; this.sender.nextDeadlineMs <= endMs; steps++) {
      if (steps > 100_000) throw new Error(`time stands still at ${this.nowMs}`);
      this.nowMs = Math.max(this.nowMs, this.sender.nextDeadlineMs);
      this.sender.onTimer(this.nowMs);
    }
    this.nowMs = endMs;
  }

  /** A message as the far end writes it now; its clock is this one. */
  report(blocks: readonly Partial<Block>[], timeMs = this.nowMs): void {
    const bytes = messageOf(Math.floor(timeMs * 250), blocks);
    readFeedback(bytes, (feedback) => this.sender.onFeedback(feedback, this.nowMs));
  }

  /** Says that all counters of a path up to this one arrived just now, but for those missing. */
  ack(path: number, highestCounter: number, missing: readonly number[] = []): void {
    const runs: number[] = [];
    for (let counter = highestCounter; counter >= Math.max(0, highestCounter - 100); counter--) {
      const isReceived = !missing.includes(counter);
      if (isReceived === (runs.length % 2 === 1)) runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
      else runs.push(1);
    }
    this.report([{ path, highestCounter, receivedBytes: BYTES * (highestCounter + 1 - missing.length), runs }]);
  }

  // ---- what the sender asks for

  transmit(slot: number, path: number, kind: TransmitKind): number {
    if (!this.#held.has(slot)) throw new Error(`slot ${slot} is sent after it was given back`);
    if (this.blocked.has(path)) return -1;
    this.sent.push(`${kind} ${slot}->${path}`);
    return this.#count(path);
  }

  pad(path: number, nowMs: number): boolean {
    this.sent.push(`padding->${path}`);
    this.sender.onControlSent(path, this.#count(path), BYTES, nowMs);
    return true;
  }

  release(slot: number, drop: FrameDrop | null): void {
    if (!this.#held.delete(slot)) throw new Error(`slot ${slot} was given back twice`);
    this.released.set(slot, drop);
  }

  event(event: AggregateEvent): void {
    this.events.push(event);
  }

  #count(path: number): number {
    const counter = this.counters[path] ?? 0;
    this.counters[path] = counter + 1;
    return counter;
  }

  #createController(path: number): FakeController {
    const controller = this.#makeController();
    this.controllers[path] = controller;
    return controller;
  }
}
