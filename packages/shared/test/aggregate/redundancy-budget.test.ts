import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RedundancyBudget } from "../../src/aggregate/redundancy-budget.ts";

/** A busy line. */
const BUSY_MS = 8;

describe("RedundancyBudget", () => {
  it("grants second copies up to its ratio of the paths' rate, not of the traffic", () => {
    const budget = new RedundancyBudget();
    budget.setRate(2500, 0); // 20 Mbit/s
    let copies = 0;
    // A call of 80 kbit/s is below 5 % of 20 Mbit/s: it is copied whole, though nothing else is sent.
    for (let i = 0; i < 500; i++) if (budget.admits(200, BUSY_MS, i * 20)) copies++;
    expect(copies).toBe(500);
    expect(budget.duplicatedBytes).toBe(100_000);
  });

  it("never spends more than ratio x rate and one burst on busy lines, whatever is asked", () => {
    const ask = fc.record({
      gapMs: fc.double({ min: 0, max: 40, noNaN: true }),
      bytes: fc.integer({ min: 40, max: 1500 }),
    });
    fc.assert(
      fc.property(fc.array(ask), fc.integer({ min: 0, max: 10_000 }), (asks, bytesPerMs) => {
        const budget = new RedundancyBudget(0.05);
        budget.setRate(bytesPerMs, 0);
        let nowMs = 0;
        for (const { gapMs, bytes } of asks) {
          nowMs += gapMs;
          budget.admits(bytes, BUSY_MS, nowMs);
          const most = 0.05 * bytesPerMs * nowMs + Math.max(3000, 200 * 0.05 * bytesPerMs);
          expect(budget.duplicatedBytes).toBeLessThanOrEqual(most + 1e-6);
        }
        const { idleLine, budget: granted, overBudget } = budget.counters;
        expect([idleLine, granted + overBudget]).toEqual([0, asks.length]);
      }),
    );
  });

  it("costs nothing on an idle line, with a rate that is not known and a ratio of 0 too", () => {
    const budget = new RedundancyBudget(0);
    budget.setRate(Number.NaN, 0);
    for (let i = 0; i < 100; i++) expect(budget.admits(1400, 2.9, 0)).toBe(true);
    expect(budget.admits(1400, 3, 0)).toBe(false);
    expect(budget.admits(1400, Number.NaN, 0)).toBe(false);
    expect(budget.counters).toEqual({ idleLine: 100, budget: 0, overBudget: 2, spare: 0 });
  });

  it("has half a hundredth of the rate, saved up for 20 s, for frames of any kind", () => {
    const budget = new RedundancyBudget();
    budget.setRate(2500, 0);
    let bytes = 0;
    for (let i = 0; i < 1000; i++) if (budget.admitsSpare(1000, 20_000)) bytes += 1000;
    expect(bytes).toBe(250_000);
    expect(budget.admitsSpare(1000, 20_079)).toBe(false);
    expect(budget.admitsSpare(1000, 20_081)).toBe(true);
    // Real-time frames have a budget of their own.
    expect(budget.admits(1000, BUSY_MS, 20_041)).toBe(true);
  });

  it("follows a rate that changes", () => {
    const budget = new RedundancyBudget();
    budget.setRate(2500, 0);
    for (let i = 0; i < 100; i++) budget.admits(1000, BUSY_MS, 1000); // used up
    budget.setRate(250, 1000); // 12.5 bytes/ms of budget
    expect(budget.admits(1000, BUSY_MS, 1070)).toBe(false);
    expect(budget.admits(1000, BUSY_MS, 1081)).toBe(true);
  });
});
