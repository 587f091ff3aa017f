/** What wants to be called at a time that it says itself. */
export interface Timed {
  readonly nextDeadlineMs: number;
  onTimer(nowMs: number): void;
}

/** setTimeout takes no longer waits. */
const LONGEST_WAIT_MS = 60_000;

/** Calls a state machine of the main thread when it is due. To be told with arm() whenever its deadline may have moved. */
export class DeadlineTimer {
  readonly #timed: Timed;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(timed: Timed, nowMs: () => number) {
    this.#timed = timed;
    this.#nowMs = nowMs;
  }

  arm(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, this.#timed.nextDeadlineMs - this.#nowMs()));
    this.#timer = setTimeout(() => {
      this.#timed.onTimer(this.#nowMs());
      this.arm();
    }, waitMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
