/** In the first moments of a line. */
const FAST_GAIN = 0.2;
const GAIN = 0.05;
/** One leap of the delay, as of a new route, says nothing of noise: a sample counts at most this much above the mean. */
const STEP_MS = 4;
const STEP_FACTOR = 4;
const MOST_MS = 60;
const VARIATION_PER_PDV = 3;
const PEAK_FADES_MS = 60_000;
/** Share of the time that a line may stand idle because frames come late, before the queue is made longer. */
const IDLE_SHARE = 0.02;
const MOST_JUMP_MS = 30;
/** Noise of the timers and of the packet loop. */
const HOST_NOISE_MS = 1.5;
const MARGIN_PER_NOISE = 8;
const MOST_MARGIN_MS = 120;
const REORDER_GAIN = 0.03;
const REORDERING_FROM = 0.1;
const REORDERING_MARGIN = 1.5;
const MOST_REORDERING_MARGIN_MS = 50;

/**
 * Delay variation of a line, and how much delay above the least ever seen is to be taken for an empty line.
 *
 * A line that delays each frame at random but keeps their order stands idle whenever one is later than the queue is
 * long. It looks like a queue that jumps up and then drains. So the jumps of delay that the model cannot explain are
 * summed up as lost time, and the margin grows until next to nothing is lost that way. A line that reorders does not
 * lose time; there the margin only makes up for comparing with a minimum.
 */
export class LineNoise {
  /**
   * Smoothed size of the second difference of the delay, or of what of it is unexplained, whichever is smaller: blind to a
   * rate that falls or rises, to queues that the model knows, and to a model that does not know the line yet.
   */
  pdvMs = 0;
  marginMs = 0;
  #peakMs = 0;
  /** What a line without noise shows. */
  #quietMs = HOST_NOISE_MS;
  readonly #unexplained = new Bend();
  readonly #delay = new Bend();
  #missingBytes = Number.NaN;
  #reorderRatio = 0;
  #errorMs = 0;

  get isReordering(): boolean {
    return this.#reorderRatio > REORDERING_FROM;
  }

  /**
   * Delay of a line that varies which is no queue: a rate that followed it down would follow a source that waits for the
   * rate. Where datagrams overtake each other the least of a few shows the queue.
   */
  get variationMs(): number {
    return this.isReordering ? 0 : VARIATION_PER_PDV * Math.max(0, this.pdvMs - HOST_NOISE_MS);
  }

  /** @param missingBytes sent, but not arrived when the highest arrived: falls only when something comes late. */
  addSample(delayMs: number, unexplainedMs: number, missingBytes: number, spanMs: number, isNew: boolean): void {
    if (missingBytes < this.#missingBytes) this.#reorderRatio += REORDER_GAIN * (1 - this.#reorderRatio);
    else this.#reorderRatio -= REORDER_GAIN * this.#reorderRatio;
    this.#missingBytes = missingBytes;
    const bendMs = Math.min(this.#delay.of(delayMs), this.#unexplained.of(unexplainedMs));
    if (Number.isNaN(bendMs)) return;
    const countedMs = Math.min(MOST_MS, STEP_MS + STEP_FACTOR * this.pdvMs, bendMs);
    this.pdvMs += (isNew ? FAST_GAIN : GAIN) * (countedMs - this.pdvMs);
    this.#peakMs = Math.max(this.pdvMs, this.#peakMs * (1 - spanMs / PEAK_FADES_MS));
  }

  /**
   * @param errorMs how much later the line is than the model says; spanMs: since the last call.
   * @param wasBusy there was a queue to work on: then a jump is lost time.
   * @param packetMs transmission time of a full packet: a slow line's delay moves by as much without any noise.
   */
  addError(errorMs: number, wasBusy: boolean, packetMs: number, spanMs: number): void {
    this.#quietMs = Math.max(HOST_NOISE_MS, packetMs);
    const jumpMs = !wasBusy ? 0 : Math.min(MOST_JUMP_MS, Math.max(0, errorMs - Math.max(0, this.#errorMs)));
    this.#errorMs = errorMs;
    if (this.isReordering) {
      this.marginMs = Math.min(REORDERING_MARGIN * this.pdvMs, MOST_REORDERING_MARGIN_MS);
      return;
    }
    this.#setMargin(this.marginMs + jumpMs - IDLE_SHARE * spanMs);
  }

  /** The least delay is another now; what an empty line takes stays the same, as far as noise explains it. */
  onBaseChange(riseMs: number): void {
    if (riseMs !== 0 && this.marginMs > 0) this.#setMargin(this.marginMs - riseMs);
  }

  #setMargin(marginMs: number): void {
    // Deviations that do not depend on each other add up by their squares.
    const noiseMs = Math.sqrt(Math.max(0, this.#peakMs ** 2 - this.#quietMs ** 2));
    const mostMs = Math.min(MOST_MARGIN_MS, MARGIN_PER_NOISE * noiseMs);
    this.marginMs = Math.max(0, Math.min(marginMs, mostMs));
  }
}

/** Size of the second difference of a series. */
class Bend {
  #before1 = Number.NaN;
  #before2 = Number.NaN;

  of(value: number): number {
    const bend = Math.abs(value - 2 * this.#before1 + this.#before2);
    this.#before2 = this.#before1;
    this.#before1 = value;
    return bend;
  }
}
