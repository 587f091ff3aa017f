import type { Random } from "../../packages/shared/src/units.ts";
import { normalRandom } from "./random.ts";
import { TimeHeap } from "./time-heap.ts";

/** One direction of an internet line. Any of it may be changed while the line runs; frames under way keep their times. */
export interface LineSettings {
  /** Infinity: the line takes no time to send and has no queue. 0 is an outage. */
  rateKbps: number;
  /** One way, without the queue. */
  delayMs: number;
  /** Standard deviation of the delay, normally distributed. */
  pdvMs: number;
  lossRatio: number;
  /** Longest wait in the queue at the present rate; what would wait longer is dropped at the tail. */
  queueMs: number;
  /** The same in bytes; the smaller limit counts. */
  queueBytes: number;
  /** Let frames overtake each other by their PDV; otherwise a late one holds up those behind it. */
  reorders: boolean;
  /** Nothing gets in any more; what is under way still arrives. */
  blackholed: boolean;
  /** A rate that changes with time, in place of rateKbps. */
  rateAtMs: ((nowMs: number) => number) | undefined;
  /** Times from (inclusive) and to (exclusive) between which the line is a blackhole. */
  outages: readonly (readonly [fromMs: number, toMs: number])[];
}

const PERFECT: LineSettings = {
  rateKbps: Number.POSITIVE_INFINITY,
  delayMs: 0,
  pdvMs: 0,
  lossRatio: 0,
  queueMs: Number.POSITIVE_INFINITY,
  queueBytes: Number.POSITIVE_INFINITY,
  reorders: false,
  blackholed: false,
  rateAtMs: undefined,
  outages: [],
};

/** Whatever the limits: no line keeps more frames than this. */
const MOST_FRAMES = 65_536;

/**
 * One direction of a line: loss, then a queue with a rate, then a delay. Serves the simulation and the lab's emulator.
 *
 * Source: sch_netem of the kernel with `delay X Y distribution normal loss Z rate R limit N` in one qdisc: a frame leaves
 * at max(now + delay, departure of the one before) + size / rate, so the order is kept, and PDV adds nothing to a full
 * queue. The limit counts all bytes on the line, as netem's counts all its frames: rate x (queue + delay). With
 * `reorders` the rate comes first and the delay behind it, as with netem below tbf.
 *
 * Time is an argument. T is whatever is carried: bytes, a packet slot, a sequence number.
 */
export class VirtualLine<T> {
  readonly settings: LineSettings;
  /** Frames offered, by what became of them, and bytes; those on the line are missing in the sum. */
  readonly counters = { offered: 0, delivered: 0, deliveredBytes: 0, queueDrops: 0, losses: 0, outageDrops: 0 };
  readonly #random: Random;
  readonly #normal: Random;
  readonly #deliver: (item: T, nowMs: number) => void;
  readonly #frames = new TimeHeap<{ readonly item: T; readonly sizeBytes: number }>();
  #bytesOnLine = 0;
  /** When the last frame leaves the bottleneck, in netem's sense (delay included) or, if reordering, in tbf's. */
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(settings: Partial<LineSettings>, random: Random, deliver: (item: T, nowMs: number) => void) {
    this.settings = { ...PERFECT, ...settings };
    this.#random = random;
    this.#normal = normalRandom(random);
    this.#deliver = deliver;
  }

  /** When the next frame arrives; Infinity when nothing is under way. */
  get nextDeadlineMs(): number {
    return this.#frames.firstMs;
  }

  get framesOnLine(): number {
    return this.#frames.size;
  }

  /** How long a frame sent now would wait for those before it. */
  queueMs(nowMs: number): number {
    const delayMs = this.settings.reorders ? 0 : this.settings.delayMs;
    return Math.max(0, this.#lastMs - delayMs - nowMs);
  }

  /** @returns false when the frame is dropped: the item stays the caller's. */
  send(item: T, sizeBytes: number, nowMs: number): boolean {
    this.counters.offered++;
    const bytesPerMs = (this.settings.rateAtMs?.(nowMs) ?? this.settings.rateKbps) / 8;
    if (bytesPerMs <= 0 || this.#isCut(nowMs)) return this.#drop("outageDrops");
    const { lossRatio, delayMs, pdvMs } = this.settings;
    if (lossRatio > 0 && this.#random() < lossRatio) return this.#drop("losses");
    if (this.#isFull(sizeBytes, bytesPerMs)) return this.#drop("queueDrops");
    const drawnMs = Math.max(0, pdvMs > 0 ? delayMs + pdvMs * this.#normal() : delayMs);
    this.#frames.push(this.#arrivalMs(drawnMs, sizeBytes / bytesPerMs, nowMs), { item, sizeBytes });
    this.#bytesOnLine += sizeBytes;
    return true;
  }

  /** Delivers what has arrived by now, each frame with the time it arrived at. */
  advance(nowMs: number): void {
    while (this.#frames.firstMs <= nowMs) {
      const arrivedMs = this.#frames.firstMs;
      const { item, sizeBytes } = this.#frames.pop();
      this.#bytesOnLine -= sizeBytes;
      this.counters.delivered++;
      this.counters.deliveredBytes += sizeBytes;
      this.#deliver(item, arrivedMs);
    }
  }

  #arrivalMs(delayMs: number, transmitMs: number, nowMs: number): number {
    if (this.settings.reorders) {
      this.#lastMs = Math.max(nowMs, this.#lastMs) + transmitMs;
      return this.#lastMs + delayMs;
    }
    this.#lastMs = Math.max(nowMs + delayMs, this.#lastMs) + transmitMs;
    return this.#lastMs;
  }

  #isFull(sizeBytes: number, bytesPerMs: number): boolean {
    if (this.#frames.size >= MOST_FRAMES) return true;
    if (bytesPerMs === Number.POSITIVE_INFINITY) return false;
    const { queueMs, queueBytes, delayMs } = this.settings;
    const queue = Math.min(queueBytes, bytesPerMs * queueMs);
    return this.#bytesOnLine > 0 && this.#bytesOnLine + sizeBytes > queue + bytesPerMs * delayMs;
  }

  #isCut(nowMs: number): boolean {
    if (this.settings.blackholed) return true;
    for (const [fromMs, toMs] of this.settings.outages) if (nowMs >= fromMs && nowMs < toMs) return true;
    return false;
  }

  #drop(reason: "queueDrops" | "losses" | "outageDrops"): false {
    this.counters[reason]++;
    return false;
  }
}
