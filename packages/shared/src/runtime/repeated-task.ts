/** Both programs look at the system this often even if rtnetlink says nothing. */
export const RECONCILE_MS = 10_000;
/** A burst of notifications is one look at the system. */
const GATHER_MS = 50;

/**
 * Runs a task when asked to and every so often without being asked; never twice at once, and at most once per 50 ms however
 * often it is asked.
 */
export class RepeatedTask {
  readonly #task: () => Promise<void>;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  /** @param task must not throw. */
  constructor(task: () => Promise<void>, everyMs: number) {
    this.#task = task;
    this.#everyMs = everyMs;
  }

  /** Soon, or when the run under way is through. */
  request(): void {
    if (this.#running === undefined) this.#schedule(GATHER_MS);
    else this.#again = true;
  }

  /** Now; resolves when a whole run that began after this call is through. */
  async runNow(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#run(), waitMs);
  }

  async #run(): Promise<void> {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#again = false;
    this.#running = this.#task();
    await this.#running;
    this.#running = undefined;
    this.#schedule(this.#again ? GATHER_MS : this.#everyMs);
  }
}
