import { UplinkRecord } from "./uplink-record.ts";

/** Times in ms. */
export interface FallbackConfig {
  /** false: it never goes out directly. */
  readonly direct: boolean;
  readonly afterMs: number;
  readonly returnAfterMs: number;
  /** Uplinks are asked whether they reach the internet. */
  readonly checks: boolean;
}

/** An uplink that could be used directly now: it has a device, a carrier, an address. */
export interface DirectUplink {
  readonly name: string;
  readonly metered: boolean;
}

/** A decision with the numbers that led to it. Unknown is null. */
export type FallbackDecision =
  | { readonly type: "started"; readonly uplink: string; readonly unreachableMs: number; readonly known: UplinkNumbers }
  | {
      readonly type: "moved";
      readonly uplink: string;
      readonly from: string;
      readonly reason: "gone" | "dead" | "metered";
      readonly known: UplinkNumbers;
    }
  | { readonly type: "ended"; readonly uplink: string; readonly reachableMs: number; readonly directMs: number };

/** What is known of an uplink. */
export interface UplinkNumbers {
  readonly answers: boolean | null;
  readonly rttMs: number | null;
  readonly plrRatio: number | null;
}

/** Unanswered checks in a row after which an uplink is dead. */
const DEAD_COUNT = 3;
/** Without any answer the lines themselves may be down, which connections through the bond survive if they are left alone. */
const PATIENCE_FACTOR = 10;
/** An uplink that costs nothing has to be steady for this long to replace one that is metered. */
const STEADY_MS = 30_000;

/**
 * When the LAN's traffic leaves by an uplink directly, and by which one; when it returns to the bond.
 *
 * Pure: told whether a concentrator is reachable, which uplinks there are and what their checks found, it decides.
 */
export class FallbackRule {
  readonly #config: FallbackConfig;
  readonly #records = new Map<string, UplinkRecord>();
  #uplinks: readonly DirectUplink[] = [];
  #reachable = false;
  #reachableSinceMs: number;
  #direct: string | null = null;
  #directSinceMs = Number.NaN;
  /** When no uplink answered, last, though asked. */
  #silentMs = Number.NEGATIVE_INFINITY;

  /** Until told otherwise no concentrator is reachable: a start is an outage, too. */
  constructor(config: FallbackConfig, nowMs: number) {
    this.#config = config;
    this.#reachableSinceMs = nowMs;
  }

  /** Name of the uplink that is used directly; null while the bond is. */
  get direct(): string | null {
    return this.#direct;
  }

  get directSinceMs(): number {
    return this.#directSinceMs;
  }

  onReachable(reachable: boolean, nowMs: number): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#reachableSinceMs = nowMs;
    // What was found in the last outage says nothing of this one.
    if (!reachable && this.#direct === null) this.#records.clear();
  }

  /** @param uplinks usable ones, in the order of the configuration. */
  onUplinks(uplinks: readonly DirectUplink[]): void {
    this.#uplinks = uplinks;
  }

  /** @param rttMs null when nobody answered. */
  onCheck(uplink: string, rttMs: number | null, nowMs: number): void {
    const record = this.#records.get(uplink) ?? new UplinkRecord();
    this.#records.set(uplink, record);
    record.add(rttMs, nowMs);
  }

  /** Uplinks to be checked now: metered ones only where no other answers. */
  get toCheck(): readonly string[] {
    if (!this.#config.direct || !this.#config.checks || (this.#reachable && this.#direct === null)) return [];
    const free = this.#uplinks.filter(({ metered }) => !metered);
    const isFreeUsable =
      free.some(({ name }) => this.#answers(name)) || free.some(({ name }) => !this.#records.has(name));
    const asked = isFreeUsable ? this.#uplinks.filter((each) => !each.metered || this.#isDirect(each)) : this.#uplinks;
    return asked.map(({ name }) => name);
  }

  numbersOf(uplink: string): UplinkNumbers {
    const record = this.#records.get(uplink);
    if (record === undefined) return { answers: null, rttMs: null, plrRatio: null };
    const known = (value: number) => (Number.isNaN(value) ? null : value);
    return { answers: this.#answers(uplink), rttMs: known(record.rttMs), plrRatio: known(record.lossRatio) };
  }

  /** Several times a second. @returns what it decided just now. */
  onTick(nowMs: number): FallbackDecision | null {
    if (!this.#config.direct) return null;
    const sinceMs = nowMs - this.#reachableSinceMs;
    if (this.#direct === null) return this.#reachable ? null : this.#start(sinceMs, nowMs);
    if (this.#reachable && sinceMs >= this.#config.returnAfterMs) return this.#end(this.#direct, sinceMs, nowMs);
    return this.#move(this.#direct, nowMs);
  }

  #start(unreachableMs: number, nowMs: number): FallbackDecision | null {
    const hasAnswer = this.#uplinks.some(({ name }) => this.#answers(name));
    const patience = this.#config.checks && !hasAnswer ? PATIENCE_FACTOR : 1;
    if (!hasAnswer && this.#records.size > 0) this.#silentMs = nowMs;
    // As long as no line answered it was they that were down: the concentrator gets its time from then on.
    const waitedMs = hasAnswer ? Math.min(unreachableMs, nowMs - this.#silentMs) : unreachableMs;
    const best = this.#best();
    if (waitedMs < this.#config.afterMs * patience || best === undefined) return null;
    this.#direct = best.name;
    this.#directSinceMs = nowMs;
    return { type: "started", uplink: best.name, unreachableMs, known: this.numbersOf(best.name) };
  }

  #end(uplink: string, reachableMs: number, nowMs: number): FallbackDecision {
    const directMs = nowMs - this.#directSinceMs;
    this.#direct = null;
    this.#directSinceMs = Number.NaN;
    return { type: "ended", uplink, reachableMs, directMs };
  }

  #move(from: string, nowMs: number): FallbackDecision | null {
    const best = this.#best();
    if (best === undefined || best.name === from) return null;
    const reason = this.#reasonToLeave(from, best, nowMs);
    if (reason === null) return null;
    this.#direct = best.name;
    return { type: "moved", uplink: best.name, from, reason, known: this.numbersOf(best.name) };
  }

  #reasonToLeave(from: string, best: DirectUplink, nowMs: number): "gone" | "dead" | "metered" | null {
    const present = this.#uplinks.find(({ name }) => name === from);
    if (present === undefined) return "gone";
    const missedCount = this.#records.get(from)?.missedCount ?? 0;
    if (missedCount >= DEAD_COUNT && this.#answers(best.name)) return "dead";
    const steadyMs = nowMs - (this.#records.get(best.name)?.answeringSinceMs ?? Number.NaN);
    return present.metered && !best.metered && steadyMs >= STEADY_MS ? "metered" : null;
  }

  /** One that answers, not metered, with the least loss and RTT; the first of the configuration among equals. */
  #best(): DirectUplink | undefined {
    const rank = (uplink: DirectUplink) => (this.#answers(uplink.name) ? 0 : 2) + (uplink.metered ? 1 : 0);
    const score = ({ name }: DirectUplink) => this.#records.get(name)?.score ?? Number.POSITIVE_INFINITY;
    const isBetter = (a: DirectUplink, b: DirectUplink) =>
      rank(a) !== rank(b) ? rank(a) < rank(b) : score(a) < score(b);
    return this.#uplinks.reduce<DirectUplink | undefined>(
      (best, each) => (best === undefined || isBetter(each, best) ? each : best),
      undefined,
    );
  }

  #answers(name: string): boolean {
    return this.#records.get(name)?.answers(DEAD_COUNT) ?? false;
  }

  #isDirect({ name }: DirectUplink): boolean {
    return name === this.#direct;
  }
}
