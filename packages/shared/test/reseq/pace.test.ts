import { expect, it } from "vitest";
import { normalRandom, seededRandom } from "../../../../test/support/random.ts";
import { DuplicateFilter, Resequencer } from "../../src/reseq/index.ts";

const UNITS_PER_MS = 250;
const [NEAR, FAR] = [0, 1];
const DELAY_MS = [20, 120];
const sentAt = (ms: number) => Math.floor(ms * UNITS_PER_MS) & 0xffffff;

/** Two lines that carry the same, one 100 ms later than the other. */
class Lines {
  readonly output = { slots: new Int32Array(64), count: 0 };
  readonly resequencer = new Resequencer({ maxHoldMs: 500, maxHeldFrames: 64 }, new DuplicateFilter(), this.output);
  nowMs = 0;

  constructor(pdvMs = 0) {
    const normal = normalRandom(seededRandom(3));
    this.resequencer.setLivePaths(0b11, 0);
    for (; this.nowMs < 5_000; this.nowMs += 5) {
      for (const path of [NEAR, FAR]) this.resequencer.onDelay(path, this.#sentAt(path, pdvMs * normal()), this.nowMs);
    }
  }

  push(slot: number, sequence: number, path: number, isEven: boolean): void {
    this.resequencer.push(slot, 7, sequence, path, this.#sentAt(path), this.nowMs, false, isEven);
  }

  pace(slot: number, isAgain = false): void {
    this.resequencer.pace(slot, 7, this.#sentAt(NEAR), this.nowMs, isAgain);
  }

  /** @returns the slots that were handed on, each with when, counted from now. */
  run(ms: number): [slot: number, afterMs: number][] {
    const found: [number, number][] = [];
    for (let afterMs = 0; afterMs <= ms; afterMs++) {
      this.resequencer.onTimer(this.nowMs + afterMs);
      for (const slot of this.output.slots.subarray(0, this.output.count)) found.push([slot, afterMs]);
      this.output.count = 0;
    }
    this.nowMs += ms;
    return found;
  }

  #sentAt(path: number, laterMs = 0): number {
    return sentAt(this.nowMs - (DELAY_MS[path] ?? 0) - laterMs);
  }
}

it("gives a frame of an even flow the delay of the slower line, and others none but their own", () => {
  const lines = new Lines();
  expect(lines.resequencer.evenPaths).toBe(0b11);
  lines.push(1, 0, NEAR, false);
  expect(lines.run(200)).toEqual([[1, 0]]);
  lines.push(2, 1, NEAR, true);
  lines.push(3, 2, FAR, true);
  expect(lines.run(200)).toEqual([
    [2, 100],
    [3, 100],
  ]);
});

it("waits for what an even flow may have put on the slower line, although that was not used of late", () => {
  const lines = new Lines();
  lines.resequencer.repairMs = 40;
  lines.push(1, 0, NEAR, true);
  lines.run(3_000);
  lines.push(2, 2, NEAR, true);
  expect(lines.run(90)).toEqual([]);
  lines.push(3, 1, FAR, true);
  expect(lines.run(200).map(([slot]) => slot)).toEqual([3, 2]);
});

it("lets a paced frame wait for none that is missing, nor for a slower line", () => {
  const lines = new Lines();
  lines.push(1, 1, NEAR, true);
  lines.pace(2);
  expect(lines.run(0)).toEqual([[2, 0]]);
});

it("lets a paced frame take the time that the soonest line takes mostly, but for one that was sent again", () => {
  const lines = new Lines(8);
  lines.pace(2);
  const [[slot, afterMs] = [0, 0]] = lines.run(100);
  expect(slot).toBe(2);
  expect(afterMs).toBeGreaterThan(4);
  expect(afterMs).toBeLessThan(3 * 8);
  lines.pace(3, true);
  expect(lines.run(0)).toEqual([[3, 0]]);
});
