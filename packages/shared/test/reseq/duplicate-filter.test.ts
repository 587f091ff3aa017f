import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DUPLICATE, DUPLICATE_WINDOW, DuplicateFilter, NEW, TOO_OLD } from "../../src/reseq/index.ts";

const TURN = 0x1000000;

describe("DuplicateFilter", () => {
  const steps: [what: string, sequence: number, verdict: number][] = [
    ["first frame", 100, NEW],
    ["its copy", 100, DUPLICATE],
    ["next", 101, NEW],
    ["gap", 105, NEW],
    ["filled late", 103, NEW],
    ["filled twice", 103, DUPLICATE],
    ["before the first", 99, NEW],
    ["by a whole window", 105 + DUPLICATE_WINDOW, NEW],
    ["just within", 106, NEW],
    ["just within, again", 106, DUPLICATE],
    ["just too old", 105, TOO_OLD],
    ["far jump", 3_000_000, NEW],
    ["within the new window", 2_999_999, NEW],
    ["jump of more than half a turn", 3_000_000 + 0xa00000, NEW],
    ["ten million behind is six million ahead", 3_000_000, NEW],
  ];

  it("follows the table", () => {
    const filter = new DuplicateFilter();
    const verdicts = steps.map(([what, sequence]) => [what, filter.accept(5, sequence % TURN)]);
    expect(verdicts).toEqual(steps.map(([what, , verdict]) => [what, verdict]));
    expect(filter.duplicates).toBe(3);
    expect(filter.tooOld).toBe(1);
  });

  it("says the same as a set of what came, across the turn, while frames stay within the window", () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -8000, max: 9000 })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TURN - 1 }), steps, (start, jumps) => {
        const filter = new DuplicateFilter();
        const seen = new Set<number>();
        let newest = start;
        for (const jump of jumps) {
          const sequence = newest + jump; // unwrapped
          const isOld = seen.size > 0 && sequence <= newest - DUPLICATE_WINDOW;
          const expected = isOld ? TOO_OLD : seen.has(sequence) ? DUPLICATE : NEW;
          expect(filter.accept(9, ((sequence % TURN) + TURN) % TURN)).toBe(expected);
          newest = seen.size === 0 ? sequence : Math.max(newest, sequence);
          seen.add(sequence);
        }
      }),
    );
  });

  it("keeps flow slots apart and starts anew after a reset", () => {
    const filter = new DuplicateFilter();
    for (let flowSlot = 0; flowSlot < 256; flowSlot++) expect(filter.accept(flowSlot, 77)).toBe(NEW);
    expect(filter.accept(255, 77)).toBe(DUPLICATE);
    filter.reset();
    expect(filter.accept(255, 77)).toBe(NEW);
    expect(filter.accept(255, 76)).toBe(NEW);
    expect(filter.accept(255, 77)).toBe(DUPLICATE);
  });
});
