/** Small, so that a first return is quick: it runs from the moment the member left, mostly before it is back. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
/** Each such time in good use takes one offence back. */
const FADE_MS = 30_000;

/** How long a member that left stays out: twice as long at each repetition, fading with good behaviour. */
export class Punishment {
  offences = 0;
  untilMs = Number.NEGATIVE_INFINITY;

  /** @param usedMs how long the member was in use before it had to leave. */
  onOffence(usedMs: number, nowMs: number): void {
    this.offences = Math.max(0, this.offences - Math.floor(usedMs / FADE_MS)) + 1;
    this.untilMs = nowMs + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.offences - 1));
  }
}
