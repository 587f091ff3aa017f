/** Nothing sent for so long after the queue has drained: the source had no more. */
const IDLE_MS = 2;

/**
 * Model of a line's queue, as time: what is sent adds its transmission time, and time drains it.
 *
 * Corrections are summed up, so that what was seen of a datagram can be compared with what is believed now about the
 * moment it was sent: a correction made since counts for it too (a Smith predictor; the loop has no delay).
 */
export class VirtualQueue {
  correctionMs = 0;
  idleSinceMs = 0;
  #queueMs = 0;
  #atMs = 0;

  /** How long what is sent now waits before its own transmission. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#queueMs - (nowMs - this.#atMs));
  }

  /** @returns the wait before it. */
  add(transmitMs: number, nowMs: number): number {
    const waitMs = this.waitMs(nowMs);
    if (nowMs - this.#atMs > this.#queueMs + IDLE_MS) this.idleSinceMs = nowMs;
    this.#set(waitMs + transmitMs, nowMs);
    return waitMs;
  }

  /** @param errorMs how much longer the queue is than the model says; the model never goes below empty. */
  correct(errorMs: number, nowMs: number): void {
    const waitMs = this.waitMs(nowMs);
    const correctedMs = Math.max(0, waitMs + errorMs);
    this.correctionMs += correctedMs - waitMs;
    this.#set(correctedMs, nowMs);
  }

  /** The line is slower than was thought by this factor, and so takes longer for what waits. */
  stretch(factor: number, nowMs: number): void {
    this.#set(this.waitMs(nowMs) * factor, nowMs);
  }

  #set(queueMs: number, nowMs: number): void {
    this.#queueMs = queueMs;
    this.#atMs = nowMs;
  }
}
