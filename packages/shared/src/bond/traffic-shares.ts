import { MAX_PATHS } from "../wire/index.ts";
import { lowestMember } from "./mask.ts";

const WINDOW_MS = 1000;

/** Which part of the recent bytes each member carried: those of the second under way and of the one before. */
export class TrafficShares {
  readonly #now = new Float64Array(MAX_PATHS);
  readonly #before = new Float64Array(MAX_PATHS);
  nextDeadlineMs = Number.NEGATIVE_INFINITY;

  add(mask: number, sizeBytes: number): void {
    for (let left = mask; left !== 0; left &= left - 1) {
      const index = lowestMember(left);
      this.#now[index] = (this.#now[index] ?? 0) + sizeBytes;
    }
  }

  /** 0..1; NaN when nothing was sent. */
  ratio(index: number): number {
    let total = 0;
    for (let i = 0; i < MAX_PATHS; i++) total += this.#bytes(i);
    return total === 0 ? Number.NaN : this.#bytes(index) / total;
  }

  onTimer(nowMs: number): void {
    if (nowMs < this.nextDeadlineMs) return;
    this.nextDeadlineMs = nowMs + WINDOW_MS;
    this.#before.set(this.#now);
    this.#now.fill(0);
  }

  #bytes(index: number): number {
    return (this.#now[index] ?? 0) + (this.#before[index] ?? 0);
  }
}
