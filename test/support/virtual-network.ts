import type { Random } from "../../packages/shared/src/units.ts";
import { randomInteger, seededRandom } from "./random.ts";
import { TimeHeap } from "./time-heap.ts";
import { type LineSettings, VirtualLine } from "./virtual-line.ts";

export { type LineSettings, VirtualLine } from "./virtual-line.ts";

/** A state machine of the core. */
export interface Machine {
  readonly nextDeadlineMs: number;
  onTimer(nowMs: number): void;
}

/** A machine that wants to be called this often at one moment will want it for ever. */
const MOST_STEPS_AT_ONCE = 100_000;

/**
 * Virtual time, lines and state machines: minutes of a network in seconds. Everything follows from the seed.
 *
 * What is due at the same time happens in this order: actions as they were scheduled, lines and machines as they were added.
 */
export class VirtualNetwork {
  readonly random: Random;
  #nowMs = 0;
  readonly #actions = new TimeHeap<() => void>();
  readonly #lines: { readonly nextDeadlineMs: number; advance(nowMs: number): void }[] = [];
  readonly #machines: Machine[] = [];

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** When anything happens next; Infinity: never. */
  get nextDeadlineMs(): number {
    let nextMs = this.#actions.firstMs;
    for (const line of this.#lines) nextMs = Math.min(nextMs, line.nextDeadlineMs);
    for (const machine of this.#machines) nextMs = Math.min(nextMs, machine.nextDeadlineMs);
    return nextMs;
  }

  /** A line with random numbers of its own, so that traffic on others does not change its fate. */
  line<T>(settings: Partial<LineSettings>, deliver: (item: T, nowMs: number) => void): VirtualLine<T> {
    const line = new VirtualLine<T>(settings, seededRandom(randomInteger(this.random, 2 ** 32)), deliver);
    this.#lines.push(line);
    return line;
  }

  /** Calls the machine's onTimer whenever its deadline is reached. */
  add(machine: Machine): void {
    this.#machines.push(machine);
  }

  /** Schedules an action; one of the past happens next. */
  at(timeMs: number, action: () => void): void {
    this.#actions.push(timeMs, action);
  }

  after(delayMs: number, action: () => void): void {
    this.at(this.#nowMs + delayMs, action);
  }

  /** Schedules an action again and again, the first time after one interval, until untilMs. */
  every(intervalMs: number, action: () => void, untilMs = Number.POSITIVE_INFINITY): void {
    this.after(intervalMs, () => {
      if (this.#nowMs >= untilMs) return;
      action();
      this.every(intervalMs, action, untilMs);
    });
  }

  /** Lets time pass up to untilMs, stopping wherever something is due. */
  run(untilMs: number): void {
    let stepsAtOnce = 0;
    for (let nextMs = this.nextDeadlineMs; nextMs <= untilMs; nextMs = this.nextDeadlineMs) {
      stepsAtOnce = nextMs > this.#nowMs ? 0 : stepsAtOnce + 1;
      if (stepsAtOnce > MOST_STEPS_AT_ONCE) throw new Error(`time stands still at ${this.#nowMs} ms`);
      this.#nowMs = Math.max(this.#nowMs, nextMs);
      this.#step();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #step(): void {
    const nowMs = this.#nowMs;
    while (this.#actions.firstMs <= nowMs) this.#actions.pop()();
    for (const line of this.#lines) if (line.nextDeadlineMs <= nowMs) line.advance(nowMs);
    for (const machine of this.#machines) if (machine.nextDeadlineMs <= nowMs) machine.onTimer(nowMs);
  }
}
