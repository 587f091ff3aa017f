const PACKET_BYTES = 1500;
const SCALE = 0.4; // packets/s^3
const BETA = 0.7;
/** Growth of a Reno flow that falls by the same factor: 3 (1 - beta) / (1 + beta) packets per round trip. */
const RENO_PACKETS = 0.53;
const LEAST_BYTES = 4 * PACKET_BYTES;

/**
 * Congestion window of a loss-based flow: what a neighbour's TCP on the same line would take.
 *
 * Source: RFC 9438 (CUBIC) sections 4.2 to 4.6, without slow start.
 */
export class CubicWindow {
  bytes = LEAST_BYTES;
  #most = 0;
  #epochMs = 0;

  start(bytes: number, nowMs: number): void {
    this.bytes = Math.max(LEAST_BYTES, bytes);
    this.#most = this.bytes / PACKET_BYTES;
    this.#epochMs = nowMs;
  }

  /** Once per round trip at most. */
  onLoss(nowMs: number): void {
    const packets = this.bytes / PACKET_BYTES;
    this.#most = packets < this.#most ? (packets * (1 + BETA)) / 2 : packets;
    this.bytes = Math.max(LEAST_BYTES, this.bytes * BETA);
    this.#epochMs = nowMs;
  }

  /** Only while the window is what limits. */
  grow(rttMs: number, nowMs: number): void {
    const sinceMs = nowMs - this.#epochMs;
    const k = Math.cbrt((this.#most * (1 - BETA)) / SCALE);
    const cubic = SCALE * ((sinceMs + rttMs) / 1000 - k) ** 3 + this.#most;
    const reno = this.#most * BETA + (RENO_PACKETS * sinceMs) / rttMs;
    const aim = Math.min(Math.max(cubic, reno) * PACKET_BYTES, 1.5 * this.bytes);
    if (aim > this.bytes) this.bytes = aim;
  }
}
