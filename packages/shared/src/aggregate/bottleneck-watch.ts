import type { Member } from "./member.ts";
import { SharedBottleneck } from "./shared-bottleneck.ts";

/** Paths that turn out to be one line (two SIMs, one tower): each then keeps its part of one queue, not one of its own. */
export class BottleneckWatch {
  /** Mask of the paths that share a bottleneck with another. */
  shared = 0;
  /** Highest correlation of the delays of two such paths at the last check; NaN: there are none. */
  correlationRatio = Number.NaN;
  readonly #detector = new SharedBottleneck();

  addDelay(path: number, owdMs: number, nowMs: number): void {
    this.#detector.addSample(path, owdMs, nowMs);
  }

  /** Call about once a second. @returns whether `shared` changed. */
  check(members: readonly Member[], nowMs: number): boolean {
    const paths = members.map(({ number }) => number);
    if (!this.#detector.look(paths, nowMs)) return false;
    const before = this.shared;
    this.shared = 0;
    for (const { number, controller } of members) {
      const count = this.#detector.countFor(number, paths);
      controller.setSharing(count);
      if (count > 1) this.shared |= 1 << number;
    }
    this.correlationRatio = this.#highest(paths, nowMs);
    return this.shared !== before;
  }

  #highest(paths: readonly number[], nowMs: number): number {
    let highest = Number.NaN;
    for (const a of paths) {
      for (const b of paths) {
        if (a >= b || !this.#detector.isShared(a, b)) continue;
        const correlation = this.#detector.correlation(a, b, nowMs);
        if (!(correlation <= highest)) highest = correlation;
      }
    }
    return highest;
  }
}
