import { FLOW_SLOTS } from "../wire/index.ts";
import { sequenceDistance } from "./serial.ts";

const PATH_BITS = 5;

/** Which paths carry which flow slot, and how far each has come in it. */
export class FlowCarriers {
  readonly #recentMs: number;
  readonly #now = new Int32Array(FLOW_SLOTS);
  readonly #before = new Int32Array(FLOW_SLOTS);
  readonly #turnAtMs = new Float64Array(FLOW_SLOTS).fill(Number.NEGATIVE_INFINITY);
  readonly #activeSinceMs = new Float64Array(FLOW_SLOTS);
  /** Newest sequence by flow slot and path; means something for carriers only. */
  readonly #newest = new Int32Array(FLOW_SLOTS << PATH_BITS);

  /** @param recentMs a path that did not carry a flow slot for one to two of these is forgotten. */
  constructor(recentMs: number) {
    this.#recentMs = recentMs;
  }

  onArrival(flowSlot: number, sequence: number, path: number, nowMs: number): void {
    if (nowMs >= (this.#turnAtMs[flowSlot] ?? 0)) this.#turn(flowSlot, nowMs);
    const at = (flowSlot << PATH_BITS) | path;
    const bit = 1 << path;
    const known = (this.carriers(flowSlot) & bit) !== 0;
    if (!known || sequenceDistance(sequence, this.#newest[at] ?? 0) > 0) this.#newest[at] = sequence;
    this.#now[flowSlot] = (this.#now[flowSlot] ?? 0) | bit;
  }

  /** Mask of the paths that delivered frames of this flow slot within the last recentMs, or twice that. */
  carriers(flowSlot: number): number {
    return (this.#now[flowSlot] ?? 0) | (this.#before[flowSlot] ?? 0);
  }

  /** When the first frame after a pause arrived. */
  activeSinceMs(flowSlot: number): number {
    return this.#activeSinceMs[flowSlot] ?? 0;
  }

  /** @returns true when this path delivered a later frame of the flow slot. */
  hasPassed(flowSlot: number, sequence: number, path: number): boolean {
    if ((this.carriers(flowSlot) & (1 << path)) === 0) return false;
    return sequenceDistance(this.#newest[(flowSlot << PATH_BITS) | path] ?? 0, sequence) > 0;
  }

  reset(): void {
    this.#now.fill(0);
    this.#before.fill(0);
    this.#turnAtMs.fill(Number.NEGATIVE_INFINITY);
  }

  #turn(flowSlot: number, nowMs: number): void {
    const paused = nowMs >= (this.#turnAtMs[flowSlot] ?? 0) + this.#recentMs;
    if (paused) this.#activeSinceMs[flowSlot] = nowMs;
    this.#before[flowSlot] = paused ? 0 : (this.#now[flowSlot] ?? 0);
    this.#now[flowSlot] = 0;
    this.#turnAtMs[flowSlot] = nowMs + this.#recentMs;
  }
}
