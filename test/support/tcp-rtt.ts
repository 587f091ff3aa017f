const LEAST_TIMEOUT_MS = 200;
const DELAYED_ACK_MS = 200;

/** Round-trip time and what follows from it: RFC 6298 with the kernel's least timeout, and the tail loss probe (RFC 8985). */
export class TcpRtt {
  smoothedMs = Number.NaN;
  /** The kernel's least is one of five minutes; the model's is one of the connection's life. */
  minMs = Number.NaN;
  #deviationMs = 0;

  /**
   * @param oldestMs of the oldest segment that an acknowledgement tells of: a delayed acknowledgement is in it.
   * @param newestMs of the newest: it is not.
   */
  addSample(oldestMs: number, newestMs: number): void {
    this.minMs = Number.isNaN(this.minMs) ? newestMs : Math.min(this.minMs, newestMs);
    if (Number.isNaN(this.smoothedMs)) {
      this.smoothedMs = oldestMs;
      this.#deviationMs = oldestMs / 2;
      return;
    }
    this.#deviationMs += (Math.abs(this.smoothedMs - oldestMs) - this.#deviationMs) / 4;
    this.smoothedMs += (oldestMs - this.smoothedMs) / 8;
  }

  get timeoutMs(): number {
    if (Number.isNaN(this.smoothedMs)) return 1000;
    return this.smoothedMs + Math.max(LEAST_TIMEOUT_MS, 4 * this.#deviationMs);
  }

  /** @param isAlone the one segment under way may be waiting for a delayed acknowledgement. */
  probeMs(isAlone: boolean): number {
    if (Number.isNaN(this.smoothedMs)) return 1000;
    return 2 * this.smoothedMs + (isAlone ? DELAYED_ACK_MS : 2);
  }
}
