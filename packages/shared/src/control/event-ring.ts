/** Events that `wanbond events` can show at most. */
export const MAX_EVENTS = 1000;

/** The last lines of the log, oldest first. */
export class EventRing {
  readonly #lines: string[] = [];
  readonly #capacity: number;
  #next = 0;

  /** @param capacity 1..MAX_EVENTS lines. */
  constructor(capacity = MAX_EVENTS) {
    this.#capacity = Math.min(Math.max(1, capacity), MAX_EVENTS);
  }

  /** @param line one JSON object, without or with its line feed. */
  push(line: string): void {
    this.#lines[this.#next] = line.trimEnd();
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** The newest count lines, oldest of them first. */
  last(count = this.#capacity): string[] {
    const wrapped = this.#lines.length < this.#capacity ? 0 : this.#next;
    return [...this.#lines.slice(wrapped), ...this.#lines.slice(0, wrapped)].slice(-Math.max(1, count));
  }
}
