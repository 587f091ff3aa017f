const REPORTS = 64;
/** Loss is judged over at least this long. */
const WINDOW_MS = 3000;

/**
 * Loss of one path.
 *
 * The receiving side counts: `receivedCount` and `highestCounter` go back to the peer in probe replies. The sending side
 * keeps the last 64 such reports; loss is what the peer's highest counter rose by and its count did not.
 *
 * Reordering: a datagram that was merely overtaken is taken back out of the earlier reports when it comes in after all,
 * and the newest report is not believed until the next confirms it. What is left is the part of a window that is on its
 * way at its ends, so a verdict asks for several measurements in a row.
 */
export class LossMeter {
  receivedCount = 0;
  highestCounter = 0;
  forgedCount = 0;
  /** Result of the last measure(): NaN when there was nothing to measure. */
  plrRatio = Number.NaN;
  /** Datagrams that the last measure() rests on. */
  packetCount = 0;
  readonly #highest = new Float64Array(REPORTS);
  readonly #missing = new Float64Array(REPORTS);
  readonly #atMs = new Float64Array(REPORTS);
  #reportCount = 0;
  #receivedReported = 0;

  /** @param counter of an authentic datagram that is not a replay. */
  onReceived(counter: number): void {
    this.receivedCount++;
    if (counter > this.highestCounter) this.highestCounter = counter;
  }

  onForged(): void {
    this.forgedCount++;
  }

  /** Datagrams that came for this path and failed authentication, of all. NaN before the first datagram. */
  get perRatio(): number {
    return this.forgedCount / (this.forgedCount + this.receivedCount);
  }

  /** The peer's counts of what we sent; older than the last one (overtaken replies) are left out. */
  onReport(receivedCount: number, highestCounter: number, nowMs: number): void {
    const last = (this.#reportCount - 1) % REPORTS;
    const overtaken = this.#reportCount > 0 && highestCounter < (this.#highest[last] ?? 0);
    if (overtaken || receivedCount < this.#receivedReported) return;
    this.#receivedReported = receivedCount;
    const missing = highestCounter - receivedCount;
    const at = this.#reportCount % REPORTS;
    this.#highest[at] = highestCounter;
    this.#missing[at] = missing;
    this.#atMs[at] = nowMs;
    this.#reportCount++;
    this.#takeBack(missing);
  }

  /** Forgets the reports: what a silent or evicted path lost says nothing about the one that returns. */
  restart(): void {
    this.#reportCount = 0;
    this.#receivedReported = 0;
    this.plrRatio = Number.NaN;
    this.packetCount = 0;
  }

  /** Measures over at least 3 s and at least minPackets datagrams, as far as reports reach back. */
  measure(minPackets: number, nowMs: number): void {
    this.plrRatio = Number.NaN;
    this.packetCount = 0;
    const oldest = Math.max(0, this.#reportCount - REPORTS);
    const end = this.#reportCount - 2;
    if (end <= oldest) return;
    let begin = end - 1;
    while (begin > oldest && (this.#ageMs(begin, nowMs) < WINDOW_MS || this.#sent(begin, end) < minPackets)) begin--;
    this.packetCount = this.#sent(begin, end);
    const lost = (this.#missing[end % REPORTS] ?? 0) - (this.#missing[begin % REPORTS] ?? 0);
    if (this.packetCount > 0) this.plrRatio = Math.min(1, Math.max(0, lost / this.packetCount));
  }

  #takeBack(missing: number): void {
    const oldest = Math.max(0, this.#reportCount - REPORTS);
    for (let i = this.#reportCount - 2; i >= oldest && (this.#missing[i % REPORTS] ?? 0) > missing; i--)
      this.#missing[i % REPORTS] = missing;
  }

  #sent(begin: number, end: number): number {
    return (this.#highest[end % REPORTS] ?? 0) - (this.#highest[begin % REPORTS] ?? 0);
  }

  #ageMs(report: number, nowMs: number): number {
    return nowMs - (this.#atMs[report % REPORTS] ?? 0);
  }
}
