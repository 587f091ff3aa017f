import { DuplicateFilter, Resequencer, type ResequencerConfig } from "../../src/reseq/index.ts";

/** A frame as the sender numbered it; `sequence` does not wrap here. */
export interface Frame {
  readonly flowSlot: number;
  readonly sequence: number;
  readonly path: number;
  readonly sentMs: number;
  readonly isAgain?: boolean;
}

export interface Delivery extends Frame {
  readonly atMs: number;
}

const UNITS_PER_MS = 250;
/** Clock of the sender minus that of the receiver; any number will do. */
const CLOCK_OFFSET_MS = 12_345_678.9;

/** A resequencer with its filter and output, fed with frames as values; packet slots are indices of `frames`. */
export class Harness {
  readonly filter = new DuplicateFilter();
  readonly output = { slots: new Int32Array(1 << 16), count: 0 };
  readonly resequencer: Resequencer;
  readonly frames: Frame[] = [];
  readonly delivered: Delivery[] = [];
  refused = 0;

  constructor(config: Partial<ResequencerConfig> = {}, livePaths = 0b1111111) {
    this.resequencer = new Resequencer({ maxHoldMs: 500, maxHeldFrames: 8192, ...config }, this.filter, this.output);
    this.resequencer.setLivePaths(livePaths, 0);
  }

  get nextDeadlineMs(): number {
    return this.resequencer.nextDeadlineMs;
  }

  /** One datagram that arrives alone. */
  arrive(frame: Frame, nowMs: number): void {
    this.push(frame, nowMs);
    this.onTimer(nowMs);
  }

  push(frame: Frame, nowMs: number): void {
    const sentAt = Math.floor((frame.sentMs + CLOCK_OFFSET_MS) * UNITS_PER_MS) & 0xffffff;
    const slot = this.frames.push(frame) - 1;
    const { flowSlot, sequence, path, isAgain } = frame;
    if (!this.resequencer.push(slot, flowSlot, sequence & 0xffffff, path, sentAt, nowMs, isAgain)) this.refused++;
    this.collect(nowMs);
  }

  onTimer(nowMs: number): void {
    this.resequencer.onTimer(nowMs);
    this.collect(nowMs);
  }

  collect(atMs: number): void {
    for (const slot of this.output.slots.subarray(0, this.output.count)) {
      const frame = this.frames[slot];
      if (frame === undefined) throw new Error(`slot ${slot} was never pushed`);
      this.delivered.push({ ...frame, atMs });
    }
    this.output.count = 0;
  }

  /** Sequences of one flow slot in the order of delivery. */
  sequences(flowSlot = 0): number[] {
    return this.delivered.filter((frame) => frame.flowSlot === flowSlot).map(({ sequence }) => sequence);
  }

  /** Frames delivered behind a later one of their flow slot. */
  outOfOrder(): Delivery[] {
    const highest = new Map<number, number>();
    return this.delivered.filter(({ flowSlot, sequence }) => {
      const before = highest.get(flowSlot) ?? Number.NEGATIVE_INFINITY;
      highest.set(flowSlot, Math.max(before, sequence));
      return sequence < before;
    });
  }
}
