import type { LinkMonitorConfig } from "./link-config.ts";
import type { PathEvidence } from "./path-evidence.ts";

/** Slow answers, or answers that report loss, in a row that evict. */
const SLOW_ANSWERS = 3;
const LOSSY_ANSWERS = 3;
/** Limits are this part as high for a member that wants back in. */
const HYSTERESIS = 0.7;
/** The factor never makes less than this of a difference: 5 ms beside 25 ms is nothing. */
const FACTOR_FLOOR_MS = 100;
/** Datagrams that a verdict on loss rests on: to evict, to let in. */
const EVICT_PACKETS = 50;
const READMIT_PACKETS = 20;
/** Standard errors: it is asked every 100 ms, and a line that loses a third is not to be lucky once in a while. */
const READMIT_DOUBT = 2;

/** What the answers to probes say for or against a path: their delay, and the loss that they report. */
export class AnswerVerdict {
  readonly #evidence: PathEvidence;
  #config: LinkMonitorConfig;
  /** Good answers in a row. */
  good = 0;
  /** The member left the bond for loss: it has to prove itself. */
  leftForLoss = false;
  /** Lowest RTT of the bond's usable members; NaN if there is none. */
  bestRttMs = Number.NaN;
  #slow = 0;
  #lossy = 0;

  constructor(evidence: PathEvidence, config: LinkMonitorConfig) {
    this.#evidence = evidence;
    this.#config = config;
  }

  configure(config: LinkMonitorConfig): void {
    this.#config = config;
  }

  /** There was any, good or slow. */
  get any(): boolean {
    return this.good + this.#slow > 0;
  }

  /** The last one was slow. */
  get slow(): boolean {
    return this.#slow > 0;
  }

  get tooSlow(): boolean {
    return this.#slow >= SLOW_ANSWERS;
  }

  get tooLossy(): boolean {
    return this.#lossy >= LOSSY_ANSWERS;
  }

  /** Enough is known, and it does not let the member in. */
  get lossForbids(): boolean {
    return this.#evidence.loss.packetCount >= READMIT_PACKETS && !this.lossAllows;
  }

  /** A member that left for loss has to prove itself; another must only not be known to be bad. */
  get lossAllows(): boolean {
    const { packetCount, plrRatio } = this.#evidence.loss;
    if (packetCount < READMIT_PACKETS) return !this.leftForLoss;
    const doubt = this.leftForLoss ? READMIT_DOUBT * Math.sqrt((plrRatio * (1 - plrRatio)) / packetCount) : 0;
    return plrRatio + doubt <= HYSTERESIS * this.#config.evictPlr;
  }

  /** An answer came. @param usable the member is in use. */
  onAnswer(rttMs: number, usable: boolean, nowMs: number): void {
    this.#evidence.loss.measure(usable ? EVICT_PACKETS : READMIT_PACKETS, nowMs);
    this.#evidence.traffic.sampleLoad(nowMs);
    this.#judgeDelay(rttMs, usable, nowMs);
    this.#judgeLoss(nowMs);
  }

  /** The RTT above which the member goes (in use), or stays out. */
  rttLimitMs(usable: boolean, nowMs: number): number {
    const { evictRttMs, evictRttFactor } = this.#config;
    const bestMs = this.bestRttMs;
    let limitMs = evictRttMs;
    // A loaded line may be slow because of its load, and the best member's RTT says nothing about that.
    if (evictRttFactor > 0 && bestMs > 0 && !this.#evidence.traffic.loaded(nowMs))
      limitMs = Math.min(limitMs, Math.max(evictRttFactor * bestMs, bestMs + FACTOR_FLOOR_MS));
    if (usable) return limitMs;
    const floorMs = bestMs < limitMs ? bestMs : 0;
    return floorMs + HYSTERESIS * (limitMs - floorMs);
  }

  forget(): void {
    this.good = 0;
    this.#slow = 0;
    this.#lossy = 0;
    this.#evidence.loss.restart();
  }

  #judgeDelay(rttMs: number, usable: boolean, nowMs: number): void {
    const { rtt, traffic } = this.#evidence;
    // A reply that the peer claims to have held longer than it took proves life, but no RTT. Nor does an answer of an idle
    // metered line: it shows how long a radio takes to wake.
    const asleep = this.#config.metered && usable && !traffic.busy;
    const measured = rttMs > 0 && !asleep;
    if (measured) rtt.addSample(rttMs, nowMs);
    if (measured && rttMs > this.rttLimitMs(usable, nowMs)) {
      this.#slow++;
      this.good = 0;
    } else {
      this.good++;
      this.#slow = 0;
    }
  }

  #judgeLoss(nowMs: number): void {
    const { loss } = this.#evidence;
    const lossy = loss.packetCount >= EVICT_PACKETS && loss.plrRatio > this.#config.evictPlr;
    this.#lossy = lossy && !this.#evidence.ownQueue(nowMs) ? this.#lossy + 1 : 0;
  }
}
