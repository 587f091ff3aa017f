/** Initiations of one second that are answered without a cookie: about 5 % of a core. */
const MAX_PER_SECOND = 100;
/** Handshakes waiting before this thread (an eighth of WireGuard's queue). */
const MAX_WAITING = 128;
/** Load, once seen, is believed in for this long. */
const STICKY_MS = 1_000;

/** Whether handshakes come in faster than they should be paid for. */
export class LoadMeter {
  #secondStartMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #untilMs = Number.NEGATIVE_INFINITY;

  /** One more initiation of somebody who knows our public key. @returns whether to ask it for a cookie. */
  onInitiation(nowMs: number): boolean {
    if (nowMs - this.#secondStartMs >= 1000) {
      this.#secondStartMs = nowMs;
      this.#count = 0;
    }
    if (++this.#count > MAX_PER_SECOND) this.#untilMs = nowMs + STICKY_MS;
    return nowMs < this.#untilMs;
  }

  onQueueDepth(waiting: number, nowMs: number): void {
    if (waiting > MAX_WAITING) this.#untilMs = nowMs + STICKY_MS;
  }
}
