import { RateMeter } from "./rate-meter.ts";

/** A path carries traffic if it carried data in the last so many ms: one ping a second keeps it attentive. */
const BUSY_HOLD_MS = 2000;
/** Both directions together, probes included; above it a queue of the line may be our own doing, for so long afterwards. */
const LOADED_KBPS = 100;
const LOADED_HOLD_MS = 2000;

/** What a path carries: its rates, whether it is busy (any data) and whether it is loaded (enough to build a queue). */
export class TrafficWatch {
  busy = false;
  busySinceMs = Number.NEGATIVE_INFINITY;
  readonly tx: RateMeter;
  readonly rx: RateMeter;
  #dataMs = Number.NEGATIVE_INFINITY;
  #loadedMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.tx = new RateMeter(nowMs);
    this.rx = new RateMeter(nowMs);
  }

  onData(nowMs: number): void {
    this.#dataMs = nowMs;
    if (this.busy) return;
    this.busy = true;
    this.busySinceMs = nowMs;
  }

  /** Looks at the rates; called at each answer, which is often enough while there is load. */
  sampleLoad(nowMs: number): void {
    if (this.tx.kbps(nowMs) + this.rx.kbps(nowMs) > LOADED_KBPS) this.#loadedMs = nowMs;
  }

  onTimer(nowMs: number): void {
    if (nowMs - this.#dataMs >= BUSY_HOLD_MS) this.busy = false;
  }

  loaded(nowMs: number): boolean {
    return nowMs - this.#loadedMs <= LOADED_HOLD_MS;
  }
}
