/** Rule about which of several concentrators is used. Times in ms. */
export interface ChoiceConfig {
  /** At least 1; the first is the preferred one. */
  readonly count: number;
  readonly afterMs: number;
  readonly returnAfterMs: number;
}

/** What made it move, with the numbers that decided. */
export type ChoiceReason =
  | { readonly reason: "unreachable"; readonly unreachableMs: number; readonly reachableMs: number }
  | { readonly reason: "preferred"; readonly reachableMs: number; readonly packetsPerS: number | null };

/** What the choice asks of its owner. */
export interface ChoiceSink {
  use(index: number, from: number, why: ChoiceReason): void;
  /** What is believed of these idle ones decides soon: look whether it is still so. */
  attend(index: number): void;
}

/** When all lines fail and come back, the concentrators appear one after the other: the first moment decides nothing. */
const SETTLED_MS = 2_000;
/** An attended peer is probed fast for about two seconds. */
const ATTEND_EVERY_MS = 1_000;
/** A call sends 17 to 50 packets a second in each direction; the chatter of an idle household is below. */
const CALM_PACKETS_PER_S = 10;
const CALM_MS = 5_000;
/** Some homes are never calm. */
const PATIENCE_MS = 3_600_000;

/**
 * Which concentrator is used: the one in use, until it is unreachable for `afterMs` while another is reachable; back to one
 * before it in the list when that has been reachable for `returnAfterMs` and nobody is disturbed.
 *
 * It begins with the first. Pure: told what is reachable and how much passes, it says where to go.
 */
export class ConcentratorChoice {
  readonly #config: ChoiceConfig;
  readonly #sink: ChoiceSink;
  readonly #reachable: boolean[];
  /** Since when each is as it is. */
  readonly #sinceMs: number[];
  #used = 0;
  #attendMs = Number.NEGATIVE_INFINITY;
  #calmSinceMs = Number.NaN;
  #packetsPerS = Number.NaN;

  constructor(config: ChoiceConfig, sink: ChoiceSink, nowMs: number) {
    this.#config = config;
    this.#sink = sink;
    this.#reachable = new Array<boolean>(config.count).fill(false);
    this.#sinceMs = new Array<number>(config.count).fill(nowMs);
  }

  get used(): number {
    return this.#used;
  }

  /** Somebody before the one in use is there: what passes the tunnel is of interest (onPackets). */
  get waitsForCalm(): boolean {
    return this.#reachable.slice(0, this.#used).includes(true);
  }

  onReachable(index: number, reachable: boolean, nowMs: number): void {
    if (this.#reachable[index] === reachable) return;
    this.#reachable[index] = reachable;
    this.#sinceMs[index] = nowMs;
  }

  /** @param packetsPerS through the tunnel, of the busier direction; NaN when unknown. */
  onPackets(packetsPerS: number, nowMs: number): void {
    this.#packetsPerS = packetsPerS;
    if (!(packetsPerS < CALM_PACKETS_PER_S)) this.#calmSinceMs = Number.NaN;
    else if (Number.isNaN(this.#calmSinceMs)) this.#calmSinceMs = nowMs;
  }

  /** Several times a second. */
  onTick(nowMs: number): void {
    if (this.#reachable[this.#used] !== true) this.#leave(nowMs);
    else this.#return(nowMs);
  }

  #leave(nowMs: number): void {
    const unreachableMs = nowMs - (this.#sinceMs[this.#used] ?? nowMs);
    if (nowMs - this.#attendMs >= ATTEND_EVERY_MS) this.#attendOthers(nowMs);
    if (unreachableMs < this.#config.afterMs) return;
    const next = this.#reachable.findIndex((_, index) => this.#reachableMs(index, nowMs) >= SETTLED_MS);
    if (next < 0) return;
    this.#use(next, { reason: "unreachable", unreachableMs, reachableMs: this.#reachableMs(next, nowMs) });
  }

  #return(nowMs: number): void {
    const { returnAfterMs } = this.#config;
    const better = this.#reachable.slice(0, this.#used);
    const next = better.findIndex((_, index) => this.#reachableMs(index, nowMs) >= returnAfterMs);
    if (next < 0) return;
    const reachableMs = this.#reachableMs(next, nowMs);
    const isCalm = nowMs - this.#calmSinceMs >= CALM_MS;
    if (!isCalm && reachableMs < returnAfterMs + PATIENCE_MS) return;
    const packetsPerS = Number.isNaN(this.#packetsPerS) ? null : this.#packetsPerS;
    this.#use(next, { reason: "preferred", reachableMs, packetsPerS });
  }

  #use(index: number, why: ChoiceReason): void {
    const from = this.#used;
    this.#used = index;
    this.#calmSinceMs = Number.NaN;
    this.#sink.use(index, from, why);
  }

  #attendOthers(nowMs: number): void {
    this.#attendMs = nowMs;
    for (const [index, reachable] of this.#reachable.entries()) {
      if (reachable && index !== this.#used) this.#sink.attend(index);
    }
  }

  /** NaN while it is not reachable. */
  #reachableMs(index: number, nowMs: number): number {
    return this.#reachable[index] === true ? nowMs - (this.#sinceMs[index] ?? nowMs) : Number.NaN;
  }
}
