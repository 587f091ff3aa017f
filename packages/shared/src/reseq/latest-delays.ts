import { MAX_PATHS, SEND_TIME_UNIT_US } from "../wire/index.ts";
import { timeDistance } from "./serial.ts";

const UNITS_PER_MS = 1000 / SEND_TIME_UNIT_US;
/** What was seen is believed less by this per second. */
const FADES_MS = 0.3;
/** A line counts as one of varying delay for so long after it was seen to be. */
const VARIED_MS = 60_000;
/** Worth waiting for so much beyond what is expected now, for a line that carries everything; for others a part of it. */
const WORTH_MS = 100;

/**
 * How late the frames of lines of varying delay were when they were latest: a line that keeps the order is the later the
 * fuller it is, since each late frame holds up those behind it. A connection that begins on the empty line and sees its delay
 * rise takes it for full (HyStart). Delays are in units of the send time, with the offset of the clocks.
 */
export class LatestDelays {
  readonly #latest = new Float64Array(MAX_PATHS);
  readonly #variedMs = new Float64Array(MAX_PATHS).fill(Number.NEGATIVE_INFINITY);

  forget(path: number): void {
    this.#variedMs[path] = Number.NEGATIVE_INFINITY;
  }

  /** @param expected delay within which nearly all frames come, as of now. @param spanMs since the last call. */
  remember(path: number, expected: number, isVarying: boolean, spanMs: number, nowMs: number): void {
    const faded = (this.#latest[path] ?? 0) - (FADES_MS * UNITS_PER_MS * spanMs) / 1000;
    this.#latest[path] = this.#varied(path, nowMs) && timeDistance(faded, expected) > 0 ? faded : expected;
    if (isVarying) this.#variedMs[path] = nowMs;
  }

  /** @param share part of all frames that this line carries, 0..1. @returns the delay to reckon with, not below the expected one. */
  of(path: number, expected: number, share: number, nowMs: number): number {
    if (!this.#varied(path, nowMs)) return expected;
    const more = timeDistance(this.#latest[path] ?? 0, expected);
    return expected + Math.max(0, Math.min(more, WORTH_MS * UNITS_PER_MS * share));
  }

  #varied(path: number, nowMs: number): boolean {
    return nowMs - (this.#variedMs[path] ?? 0) < VARIED_MS;
  }
}
