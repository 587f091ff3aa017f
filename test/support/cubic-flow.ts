const PACKET_BYTES = 1500;
const CUBIC_SCALE = 0.4; // packets/s^3
const CUBIC_BETA = 0.7;

/** What the flow asks of its line. */
export interface CubicFlowLine {
  /** @returns false when the line dropped it. */
  send(sequence: number, sizeBytes: number, nowMs: number): boolean;
}

/**
 * A greedy loss-based flow as a neighbour on a line: slow start without HyStart, then CUBIC with fast convergence.
 *
 * Source: RFC 9438 sections 4.2 to 4.7. Simplified: every packet is acknowledged, a loss is known when a later packet
 * is acknowledged, lost packets are not sent again (the bytes on the line are the same), no retransmission timer but a
 * restart from two packets after 3 s of silence.
 */
export class CubicFlow {
  windowPackets = 10;
  losses = 0;
  readonly #line: CubicFlowLine;
  #inflight = 0;
  #sequence = 0;
  #highestAcked = -1;
  #recoverySequence = -1;
  #slowStart = true;
  #windowMax = 0;
  #epochMs = Number.NaN;
  #rttMs = 100;
  #heardMs = 0;
  readonly #sentMs = new Map<number, number>();

  constructor(line: CubicFlowLine) {
    this.#line = line;
  }

  start(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#fill(nowMs);
  }

  onAcknowledged(sequence: number, nowMs: number): void {
    const sentMs = this.#sentMs.get(sequence);
    if (sentMs === undefined) return;
    this.#rttMs += (nowMs - sentMs - this.#rttMs) / 8;
    this.#heardMs = nowMs;
    this.#sentMs.delete(sequence);
    this.#inflight--;
    if (sequence > this.#highestAcked) {
      this.#highestAcked = sequence;
      this.#findLosses(nowMs);
    }
    this.#grow(nowMs);
    this.#fill(nowMs);
  }

  onTick(nowMs: number): void {
    if (nowMs - this.#heardMs < 3000) return;
    this.#sentMs.clear();
    this.#inflight = 0;
    this.windowPackets = 2;
    this.#slowStart = true;
    this.start(nowMs);
  }

  #findLosses(nowMs: number): void {
    for (const sequence of this.#sentMs.keys()) {
      if (sequence > this.#highestAcked - 3) break;
      this.#sentMs.delete(sequence);
      this.#inflight--;
      this.losses++;
      if (sequence <= this.#recoverySequence) continue;
      this.#recoverySequence = this.#sequence;
      this.#slowStart = false;
      this.#windowMax =
        this.windowPackets < this.#windowMax ? (this.windowPackets * (1 + CUBIC_BETA)) / 2 : this.windowPackets;
      this.windowPackets = Math.max(2, this.windowPackets * CUBIC_BETA);
      this.#epochMs = nowMs;
    }
  }

  #grow(nowMs: number): void {
    if (this.#slowStart) {
      this.windowPackets++;
      return;
    }
    const k = Math.cbrt((this.#windowMax * (1 - CUBIC_BETA)) / CUBIC_SCALE);
    const seconds = (nowMs - this.#epochMs + this.#rttMs) / 1000;
    const target = CUBIC_SCALE * (seconds - k) ** 3 + this.#windowMax;
    const reno = this.#windowMax * CUBIC_BETA + (0.53 * (nowMs - this.#epochMs)) / this.#rttMs;
    const aim = Math.min(Math.max(target, reno), 1.5 * this.windowPackets);
    if (aim > this.windowPackets) this.windowPackets += (aim - this.windowPackets) / this.windowPackets;
  }

  #fill(nowMs: number): void {
    while (this.#inflight < this.windowPackets) {
      const sequence = this.#sequence++;
      this.#sentMs.set(sequence, nowMs);
      this.#inflight++;
      this.#line.send(sequence, PACKET_BYTES, nowMs);
    }
  }
}
