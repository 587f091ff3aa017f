/** One segment that is not acknowledged yet. */
export class SentSegment {
  readonly sequence: number;
  /** Of the newest copy. */
  sentMs: number;
  /** A copy other than the first was sent, ever; such a copy is under way. */
  wasResent = false;
  isResent = false;
  isSacked = false;
  isLost = false;
  /** Delivery rate: what was delivered, when, and since when the sender has been busy, as this copy was sent. */
  delivered = 0;
  deliveredMs = 0;
  firstSentMs = 0;
  isAppLimited = false;
  previous: SentSegment | undefined;
  next: SentSegment | undefined;

  constructor(sequence: number, sentMs: number) {
    this.sequence = sequence;
    this.sentMs = sentMs;
  }
}

/**
 * What the sender knows of segments under way, and RACK, which tells what is lost.
 *
 * Source: RFC 8985, net/ipv4/tcp_recovery.c. A segment is lost when one sent later was delivered and its own round trip is
 * over by the reordering window: none before reordering was seen (and three segments are behind it, or a recovery is under
 * way), else a quarter of the least RTT, and more with each round in which a copy turns out to have been sent in vain.
 */
export class Scoreboard {
  una = 0;
  nxt = 0;
  sackedOut = 0;
  lostOut = 0;
  resentOut = 0;
  reorderingSeen = false;
  /** Quarters of the least RTT that RACK waits. */
  windowSteps = 1;
  readonly #segments = new Map<number, SentSegment>();
  /** Lost ones in the order they were found; those that have come meanwhile are skipped. */
  #lostQueue: SentSegment[] = [];
  /** Under way, by the time of sending. */
  #oldest: SentSegment | undefined;
  #newest: SentSegment | undefined;
  #highestSacked = 0;
  #rackSentMs = Number.NEGATIVE_INFINITY;
  #rackSequence = -1;
  #rackRttMs = 0;
  #stepsPersist = 0;
  #stepsDelivered = 0;

  get packetsOut(): number {
    return this.nxt - this.una;
  }

  get inflight(): number {
    return this.packetsOut - this.sackedOut - this.lostOut + this.resentOut;
  }

  find(sequence: number): SentSegment | undefined {
    return this.#segments.get(sequence);
  }

  sendNew(nowMs: number): SentSegment {
    const sent = new SentSegment(this.nxt++, nowMs);
    this.#segments.set(sent.sequence, sent);
    this.#append(sent);
    return sent;
  }

  /** The next lost segment without a new copy under way. */
  firstLost(): SentSegment | undefined {
    while (this.#lostQueue.length > 0) {
      const first = this.#lostQueue[0] as SentSegment;
      if (first.isLost && !first.isResent && first.sequence >= this.una) return first;
      this.#lostQueue.shift();
    }
    return undefined;
  }

  resend(sent: SentSegment, nowMs: number): void {
    if (!sent.isLost) this.#unlink(sent);
    if (!sent.isResent) this.resentOut++;
    sent.wasResent = true;
    sent.isResent = true;
    sent.sentMs = nowMs;
    this.#append(sent);
  }

  /** A segment arrived. @returns true the first time. */
  deliver(sent: SentSegment, isCumulative: boolean, minRttMs: number, nowMs: number): boolean {
    const isNews = !sent.isSacked;
    if (isNews) {
      if (!sent.wasResent && sent.sequence < this.#highestSacked) this.reorderingSeen = true;
      this.#advanceRack(sent, minRttMs, nowMs);
      if (!sent.isLost || sent.isResent) this.#unlink(sent);
      if (sent.isLost) this.lostOut--;
      if (sent.isResent) this.resentOut--;
      sent.isLost = false;
      sent.isResent = false;
    }
    if (isCumulative) {
      if (!isNews) this.sackedOut--;
      this.#segments.delete(sent.sequence);
      this.una = sent.sequence + 1;
    } else if (isNews) {
      sent.isSacked = true;
      this.sackedOut++;
      this.#highestSacked = Math.max(this.#highestSacked, sent.sequence);
    }
    return isNews;
  }

  /** A copy was sent in vain: wait longer, at most one step a round trip, for 16 recoveries. */
  onDuplicateDelivery(priorDelivered: number, delivered: number): void {
    if (priorDelivered < this.#stepsDelivered) return;
    this.windowSteps = Math.min(255, this.windowSteps + 1);
    this.#stepsDelivered = delivered;
    this.#stepsPersist = 16;
  }

  onRecoveryEnd(): void {
    if (this.#stepsPersist > 0 && --this.#stepsPersist === 0) this.windowSteps = 1;
  }

  reorderingWindowMs(isRecovering: boolean, minRttMs: number, srttMs: number): number {
    if (!this.reorderingSeen && (isRecovering || this.sackedOut >= 3)) return 0;
    return Math.min((minRttMs / 4) * this.windowSteps, srttMs);
  }

  /** Finds what is lost by now. @returns when to look again; Infinity: with the next acknowledgement. */
  detectLost(windowMs: number, nowMs: number): number {
    let againMs = Number.NEGATIVE_INFINITY;
    for (let sent = this.#oldest; sent !== undefined && this.#isBeforeRack(sent); ) {
      const next: SentSegment | undefined = sent.next;
      const lostMs = sent.sentMs + this.#rackRttMs + windowMs;
      if (lostMs <= nowMs) this.#markLost(sent);
      else againMs = Math.max(againMs, lostMs);
      sent = next;
    }
    return againMs === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : againMs;
  }

  /** The retransmission timer fired: all but what was sent within the last round trip is lost. */
  onTimeout(nowMs: number): void {
    for (let sequence = this.una; sequence < this.nxt; sequence++) {
      const sent = this.#segments.get(sequence);
      if (sent === undefined || sent.isSacked || (sent.isLost && !sent.isResent)) continue;
      if (sequence === this.una || sent.sentMs + this.#rackRttMs <= nowMs) this.#markLost(sent);
    }
    this.#lostQueue.sort((a, b) => a.sequence - b.sequence);
  }

  /** Nothing was lost after all. */
  unmarkLost(): void {
    for (let sequence = this.una; sequence < this.nxt; sequence++) {
      const sent = this.#segments.get(sequence);
      if (sent === undefined || !sent.isLost) continue;
      sent.isLost = false;
      this.lostOut--;
      if (!sent.isResent) this.#insert(sent);
    }
  }

  #markLost(sent: SentSegment): void {
    this.#unlink(sent);
    if (sent.isResent) this.resentOut--;
    if (!sent.isLost) this.lostOut++;
    sent.isResent = false;
    sent.isLost = true;
    this.#lostQueue.push(sent);
  }

  #advanceRack(sent: SentSegment, minRttMs: number, nowMs: number): void {
    const rttMs = nowMs - sent.sentMs;
    if (sent.wasResent && rttMs < minRttMs) return; // It was the first copy.
    this.#rackRttMs = rttMs;
    if (!this.#isBeforeRack(sent)) {
      this.#rackSentMs = sent.sentMs;
      this.#rackSequence = sent.sequence;
    }
  }

  #isBeforeRack(sent: SentSegment): boolean {
    if (sent.sentMs !== this.#rackSentMs) return sent.sentMs < this.#rackSentMs;
    return sent.sequence < this.#rackSequence;
  }

  #append(sent: SentSegment): void {
    this.#link(sent, this.#newest, undefined);
  }

  #insert(sent: SentSegment): void {
    let next = this.#oldest;
    while (next !== undefined && next.sentMs <= sent.sentMs) next = next.next;
    this.#link(sent, next === undefined ? this.#newest : next.previous, next);
  }

  #link(sent: SentSegment, previous: SentSegment | undefined, next: SentSegment | undefined): void {
    sent.previous = previous;
    sent.next = next;
    if (previous === undefined) this.#oldest = sent;
    else previous.next = sent;
    if (next === undefined) this.#newest = sent;
    else next.previous = sent;
  }

  #unlink(sent: SentSegment): void {
    if (sent.previous === undefined) this.#oldest = sent.next;
    else sent.previous.next = sent.next;
    if (sent.next === undefined) this.#newest = sent.previous;
    else sent.next.previous = sent.previous;
    sent.previous = undefined;
    sent.next = undefined;
  }
}
