const CAPACITY = 512;
const MASK = CAPACITY - 1;

/**
 * The last reports of one path, as the receiver saw them: what arrived, when, what had been sent by then, how late.
 *
 * Rates are taken over the receiver's clock, so that feedback that comes late, in bunches or not at all does not bend
 * them. A position is named by how many reports it lies back; 0 is the newest.
 */
export class DeliverySeries {
  size = 0;
  /** Number of the newest report, rising by one. */
  newest = -1;
  #end = 0;
  readonly #nowMs = new Float64Array(CAPACITY);
  readonly #arrivalMs = new Float64Array(CAPACITY);
  readonly #receivedBytes = new Float64Array(CAPACITY);
  readonly #sentMs = new Float64Array(CAPACITY);
  readonly #sentBytes = new Float64Array(CAPACITY);
  readonly #lostBytes = new Float64Array(CAPACITY);
  readonly #owdMs = new Float64Array(CAPACITY);
  readonly #unexplainedMs = new Float64Array(CAPACITY);

  /**
   * @param sentMs, sentBytes of the highest datagram of the report.
   * @param lostBytes declared lost so far.
   * @param owdMs of the fastest.
   * @param unexplainedMs least delay beyond the queue predicted at sending.
   */
  add(
    nowMs: number,
    arrivalMs: number,
    receivedBytes: number,
    sentMs: number,
    sentBytes: number,
    lostBytes: number,
    owdMs: number,
    unexplainedMs: number,
  ): void {
    const at = this.#end & MASK;
    this.#nowMs[at] = nowMs;
    this.#arrivalMs[at] = arrivalMs;
    this.#receivedBytes[at] = receivedBytes;
    this.#sentMs[at] = sentMs;
    this.#sentBytes[at] = sentBytes;
    this.#lostBytes[at] = lostBytes;
    this.#owdMs[at] = owdMs;
    this.#unexplainedMs[at] = unexplainedMs;
    this.#end = (this.#end + 1) | 0;
    this.newest++;
    if (this.size < CAPACITY) this.size++;
  }

  /** How far back the first report lies that arrived at least so long before the newest; the oldest if none does. */
  back(windowMs: number): number {
    const newestMs = this.#at(this.#arrivalMs, 0);
    let back = 1;
    while (back < this.size - 1 && newestMs - this.#at(this.#arrivalMs, back) < windowMs) back++;
    return back < this.size ? back : 0;
  }

  /** The same for bytes sent. */
  backBytes(bytes: number): number {
    const newest = this.#at(this.#sentBytes, 0);
    let back = 1;
    while (back < this.size - 1 && newest - this.#at(this.#sentBytes, back) < bytes) back++;
    return back < this.size ? back : 0;
  }

  /** Bytes that had been sent, but not reported, when the newest report's highest datagram went out, itself included. */
  flightBytes(): number {
    const sentMs = this.#at(this.#sentMs, 0);
    let back = 1;
    while (back < this.size - 1 && this.#at(this.#nowMs, back) > sentMs) back++;
    return this.sentSince(back);
  }

  sentMs(back: number): number {
    return this.#at(this.#sentMs, back);
  }

  receivedSince(back: number): number {
    return this.#at(this.#receivedBytes, 0) - this.#at(this.#receivedBytes, back);
  }

  sentSince(back: number): number {
    return this.#at(this.#sentBytes, 0) - this.#at(this.#sentBytes, back);
  }

  sentSpanMs(back: number): number {
    return this.#at(this.#sentMs, 0) - this.#at(this.#sentMs, back);
  }

  /**
   * Bytes lost between that report and the newest, in the eyes of the sender's loss detection and of the receiver's
   * count, whichever saw less: one errs when it gives up a silent path, the other while datagrams overtake each other.
   * @param settleMs what arrives up to so long after its turn is not missing.
   */
  lostSince(back: number, settleMs: number): number {
    const missing = this.#leastMissing(0, settleMs) - this.#leastMissing(back, settleMs);
    const declared = this.#at(this.#lostBytes, 0) - this.#at(this.#lostBytes, back);
    return Math.max(0, Math.min(missing, declared));
  }

  #leastMissing(from: number, spanMs: number): number {
    const fromMs = this.#at(this.#nowMs, from);
    let least = Number.POSITIVE_INFINITY;
    for (let back = from; back < this.size && fromMs - this.#at(this.#nowMs, back) <= spanMs; back++) {
      least = Math.min(least, this.#at(this.#sentBytes, back) - this.#at(this.#receivedBytes, back));
    }
    return least;
  }

  arrivalSpanMs(back: number): number {
    return this.#at(this.#arrivalMs, 0) - this.#at(this.#arrivalMs, back);
  }

  /** Least delay of the reports that came within the last windowMs. */
  leastOwdMs(windowMs: number): number {
    return this.#least(this.#owdMs, windowMs);
  }

  leastUnexplainedMs(windowMs: number): number {
    return this.#least(this.#unexplainedMs, windowMs);
  }

  #least(values: Float64Array, windowMs: number): number {
    const times = this.#nowMs;
    const newest = this.#end - 1;
    const fromMs = this.#at(times, 0) - windowMs;
    let least = newest & MASK;
    for (let back = 1; back < this.size; back++) {
      const at = (newest - back) & MASK;
      if ((times[at] ?? 0) < fromMs) break;
      if ((values[at] ?? 0) < (values[least] ?? 0)) least = at;
    }
    return values[least] ?? Number.NaN;
  }

  #at(values: Float64Array, back: number): number {
    return values[(this.#end - 1 - back) & MASK] ?? Number.NaN;
  }
}
