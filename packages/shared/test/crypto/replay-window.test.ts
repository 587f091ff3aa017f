import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplayWindow } from "../../src/crypto/index.ts";
import { REPLAY_WINDOW } from "../../src/wire/index.ts";

const W = REPLAY_WINDOW;
const LIMIT = Number.MAX_SAFE_INTEGER;

/** What the window is to do, by remembering everything. */
class Oracle {
  readonly #seen = new Set<number>();
  #newest = -1;

  accept(counter: number): boolean {
    if (counter > LIMIT || this.#newest - counter > W || this.#seen.has(counter)) return false;
    this.#seen.add(counter);
    this.#newest = Math.max(this.#newest, counter);
    return true;
  }
}

function agrees(counters: number[]): void {
  const window = new ReplayWindow();
  const oracle = new Oracle();
  for (const counter of counters) expect([counter, window.accept(counter)]).toEqual([counter, oracle.accept(counter)]);
}

describe("the replay window", () => {
  /** The steps of WireGuard's table, with this window's size; then the edges of 32 and 53 bits. */
  it("takes each counter once, up to a window behind the newest", () => {
    const window = new ReplayWindow();
    const steps: [number, boolean][] = [
      [0, true],
      [1, true],
      [1, false],
      [9, true],
      [8, true],
      [7, true],
      [7, false],
      [W, true],
      [W - 1, true],
      [W - 1, false],
      [W - 2, true],
      [2, true],
      [2, false],
      [W + 16, true],
      [3, false],
      [W + 16, false],
      [W * 4, true],
      [W * 4 - (W - 1), true],
      [10, false],
      [W * 4 - W, true],
      [W * 4 - (W + 1), false],
      [W * 4 - (W - 2), true],
      [W * 4 + 1 - W, false],
      [0, false],
      [2 ** 32 - 1, true],
      [2 ** 32 + 1, true],
      [2 ** 32, true],
      [2 ** 32 - 1, false],
      [2 ** 32 + 1 - W, true],
      [2 ** 32 - W, false],
      [LIMIT, true],
      [LIMIT, false],
      [LIMIT - 1, true],
      [LIMIT + 1, false],
      [LIMIT - W, true],
      [LIMIT - W - 1, false],
    ];
    expect(steps.map(([counter]) => [counter, window.accept(counter)])).toEqual(steps);
  });

  it("does as one that remembers everything, under reordering and jumps", () => {
    const step = fc.oneof(
      fc.integer({ min: -40, max: 40 }),
      fc.integer({ min: -W - 40, max: W + 40 }),
      fc.integer({ min: W * 2 - 40, max: W * 2 + 40 }),
      fc.constantFrom(31, 32, 33, W, W + 1, -W, -W - 1),
    );
    const start = fc.constantFrom(0, 2 ** 31 - 100, 2 ** 32 - 100, 2 ** 48 - 100);
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 200 }), (first, steps) => {
        let newest = first;
        const counters = steps.map((by) => {
          const counter = Math.max(0, newest + by);
          newest = Math.max(newest, counter);
          return counter;
        });
        agrees([first, ...counters]);
      }),
      { numRuns: 300 },
    );
  });

  it("does as one that remembers everything, for neighbours that come twice", () => {
    fc.assert(fc.property(fc.array(fc.nat(300), { maxLength: 600 }), agrees));
  });
});
