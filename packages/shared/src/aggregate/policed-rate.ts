import type { DeliverySeries } from "./delivery-series.ts";

/** A verdict needs so many packets, so much time, and a round trip. */
const VERDICT_BYTES = 100 * 1500;
const VERDICT_MS = 100;
const PROBE_MS = 250;
/** More loss than usual by this much, and by three times what chance does, is a change. */
const CLEAR_RATIO = 0.03;
const MOST_TEST_BYTES = 400 * 1500;
/** When we hold the limit. */
const HOLD_CLEAR_RATIO = 0.015;
const STARTUP_CLEAR_RATIO = 0.15;
/** In the start, loss must last so long: until then it may turn out that datagrams only overtook each other. */
const STARTUP_LASTS_MS = 100;
const CHANCES = 3;
const LEAST_USUAL_RATIO = 0.005;
const USUAL_GAIN = 0.01;
/** If less than this part of the loss is left when we send less, the line drops what is too fast. */
const POLICED_IF_LEFT = 0.35;
const MOST_TESTS = 2;
const MOST_LOWERED = 2;
const MOST_USUAL_RATIO = 0.3;
const TEST_PACE = 0.9;
const HOLD_PACE = 0.98;
const FIRST_PROBE_PACE = 1.2;
const PROBE_GROWTH = 1.25;
const MOST_PROBE_PACE = 2;
const FIRST_HOLD_MS = 500;
const MOST_HOLD_MS = 8000;
/** Nothing arrived for so long: an outage, not a limit. */
const HOLE_MS = 40;
const SETTLE_FACTOR = 4;

type State = "off" | "testing" | "holding" | "probing";

/**
 * Lines that drop what is above their rate instead of queueing it: policers, token buckets, buffers of a few packets.
 *
 * Loss alone says nothing: radio loses whatever we do. So when more is lost than usual we send a little less than what
 * arrived and look again. Loss that stays is chance: it becomes the usual one and is ignored. Loss that goes is a limit:
 * then what arrived is the rate; it is paced exactly, and a little more is tried from time to time.
 */
export class PolicedRate {
  state: State = "off";
  /** Loss of the last reports, and what this line loses anyway; 0..1. */
  plrRatio = 0;
  usualRatio = 0;
  /** The limit; and when loss turned out to be chance, what was delivered before it was doubted. */
  bytesPerMs = 0;
  #probePace = FIRST_PROBE_PACE;
  #sinceMs = 0;
  #holdMs = FIRST_HOLD_MS;
  #triggerRatio = 0;
  #tests = 0;
  #lowered = 0;
  #metBytesPerMs = 0;
  #probes = 0;
  /** Loss is counted from this report on. */
  #from = 0;
  /** The first report about what was sent in the present state is still to come. */
  #waits = false;
  #gapMs = 0;
  /** Since when more is lost in the start than a line may; NaN: it is not. */
  #overSinceMs = Number.NaN;

  get isOn(): boolean {
    return this.state !== "off";
  }

  /** What to send, as a part of the controller's rate. */
  get pace(): number {
    if (this.state === "testing") return TEST_PACE;
    return this.state === "probing" ? this.#probePace : HOLD_PACE;
  }

  /** Nothing lost so far counts. */
  stop(series: DeliverySeries): void {
    this.state = "off";
    this.#holdMs = FIRST_HOLD_MS;
    this.#forget(series);
  }

  /**
   * Call with each report.
   * @param delivery bytes per ms; NaN: unknown.
   * @param settleMs how much later than others a datagram may arrive.
   */
  onReport(
    series: DeliverySeries,
    delivery: number,
    settleMs: number,
    rttMs: number,
    isStartup: boolean,
    nowMs: number,
  ): void {
    const gapMs = series.arrivalSpanMs(1);
    if (gapMs > HOLE_MS + 3 * this.#gapMs) this.#forget(series);
    this.#gapMs = gapMs;
    if (this.#waits && series.sentMs(0) >= this.#sinceMs) {
      this.#waits = false;
      this.#forget(series);
    }
    const since = Math.min(series.newest - this.#from, series.size - 1);
    const recent = Math.max(series.backBytes(VERDICT_BYTES), series.back(VERDICT_MS + SETTLE_FACTOR * settleMs));
    const back = this.state === "off" || this.state === "holding" ? Math.min(since, recent) : since;
    if (back < 1 || this.#waits) return;
    const sentBytes = series.sentSince(back);
    if (sentBytes < this.#enoughBytes()) return;
    this.plrRatio = series.lostSince(back, settleMs) / sentBytes;
    if (Number.isNaN(delivery) && this.isOn) return; // No verdict without a rate to go by.
    const isOver = this.state === "probing" && this.#isMore(sentBytes, CLEAR_RATIO);
    if (this.state === "off") this.#watch(delivery, isStartup, sentBytes, nowMs);
    else if (isOver || nowMs - this.#sinceMs > rttMs + this.#verdictMs() + settleMs)
      this.#conclude(delivery, sentBytes, nowMs);
    else if (this.state === "holding" && this.#isMore(sentBytes, HOLD_CLEAR_RATIO)) this.#lower(delivery, nowMs);
  }

  #watch(delivery: number, isStartup: boolean, sentBytes: number, nowMs: number): void {
    if (!this.#isMore(sentBytes, isStartup ? STARTUP_CLEAR_RATIO : CLEAR_RATIO)) {
      this.usualRatio += USUAL_GAIN * (this.plrRatio - this.usualRatio);
      this.#overSinceMs = Number.NaN;
      return;
    }
    if (Number.isNaN(this.#overSinceMs)) this.#overSinceMs = nowMs;
    if (Number.isNaN(delivery) || (isStartup && nowMs - this.#overSinceMs < STARTUP_LASTS_MS)) return;
    this.bytesPerMs = delivery;
    this.#triggerRatio = this.plrRatio;
    this.#tests = 0;
    this.#lowered = 0;
    this.#metBytesPerMs = delivery;
    this.#enter("testing", nowMs);
  }

  #conclude(delivery: number, sentBytes: number, nowMs: number): void {
    if (this.state === "testing") this.#judgeTest(delivery, nowMs);
    else if (this.state === "probing") this.#judgeProbe(delivery, this.#isMore(sentBytes, CLEAR_RATIO), nowMs);
    else if (this.#isMore(sentBytes, HOLD_CLEAR_RATIO)) this.#lower(delivery, nowMs);
    else this.#hold(nowMs);
  }

  #hold(nowMs: number): void {
    this.usualRatio += USUAL_GAIN * (this.plrRatio - this.usualRatio);
    if (nowMs - this.#sinceMs > this.#holdMs) this.#enter("probing", nowMs);
  }

  #judgeTest(delivery: number, nowMs: number): void {
    const left = (this.plrRatio - this.usualRatio) / (this.#triggerRatio - this.usualRatio);
    if (left < POLICED_IF_LEFT) {
      this.#enter("holding", nowMs);
    } else if (++this.#tests < MOST_TESTS) {
      // A bucket that was still full may have let more through than the limit.
      this.bytesPerMs = Math.min(this.bytesPerMs, delivery);
      this.#triggerRatio = this.plrRatio;
      this.#enter("testing", nowMs);
    } else {
      this.#takeForChance();
    }
  }

  #judgeProbe(delivery: number, isMore: boolean, nowMs: number): void {
    if (isMore) {
      this.bytesPerMs = delivery;
      this.#holdMs = Math.min(MOST_HOLD_MS, 2 * this.#holdMs);
      this.#probePace = FIRST_PROBE_PACE;
      this.#enter("holding", nowMs);
      return;
    }
    if (delivery < this.bytesPerMs * (1 + (this.#probePace - 1) / 2)) {
      this.#enter("holding", nowMs); // nobody had that much to send
      return;
    }
    this.bytesPerMs = delivery;
    if (++this.#probes < 2) {
      this.#enter("probing", nowMs); // what a bucket had saved may have passed once
      return;
    }
    this.#holdMs = FIRST_HOLD_MS;
    this.#probePace = Math.min(MOST_PROBE_PACE, this.#probePace * PROBE_GROWTH);
    this.#enter("probing", nowMs);
  }

  /** The limit has fallen; but loss that stays when we follow it down is none. */
  #lower(delivery: number, nowMs: number): void {
    if (++this.#lowered >= MOST_LOWERED) {
      this.#takeForChance();
      return;
    }
    this.bytesPerMs = Math.min(this.bytesPerMs, delivery);
    this.#holdMs = FIRST_HOLD_MS;
    this.#enter("holding", nowMs);
  }

  #takeForChance(): void {
    this.usualRatio = Math.min(MOST_USUAL_RATIO, Math.max(this.usualRatio, this.plrRatio));
    this.bytesPerMs = this.#metBytesPerMs;
    this.state = "off";
  }

  #enter(state: State, nowMs: number): void {
    if (state === "probing") this.#lowered = 0;
    else this.#probes = 0;
    this.state = state;
    this.#sinceMs = nowMs;
    this.#waits = true;
  }

  #verdictMs(): number {
    return this.state === "probing" ? PROBE_MS : VERDICT_MS;
  }

  /** A test needs enough for ten losses, if they are chance. */
  #enoughBytes(): number {
    if (this.state === "probing") return VERDICT_BYTES / 2;
    if (this.state !== "testing") return VERDICT_BYTES;
    return Math.max(VERDICT_BYTES, Math.min(MOST_TEST_BYTES, (10 * 1500) / this.#triggerRatio));
  }

  #forget(series: DeliverySeries): void {
    this.#from = series.newest;
  }

  #isMore(sentBytes: number, clearRatio: number): boolean {
    const usual = this.usualRatio;
    const chance = Math.sqrt((Math.max(usual, LEAST_USUAL_RATIO) * (1 - usual) * 1500) / sentBytes);
    return this.plrRatio > usual + clearRatio + CHANCES * chance;
  }
}
