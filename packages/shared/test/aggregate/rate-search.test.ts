import { describe, expect, it } from "vitest";
import { LineMeasure } from "../../src/aggregate/line-measure.ts";
import { RateSearch } from "../../src/aggregate/rate-search.ts";

const LOOP_MS = 100;
const STEADY_MS = 1;
const VARYING_MS = 10;

function lineThat(delivery: number, offered: number, queueMs: number): LineMeasure {
  return Object.assign(new LineMeasure(), { delivery, offered, queueMs });
}

/** Reports every 20 ms about a line that looks full, until the start is over. @returns when that was. */
function startedMs(deliveryAt: (nowMs: number) => number, pdvMs: number): number {
  const search = new RateSearch();
  for (let nowMs = 0; nowMs < 5_000; nowMs += 20) {
    const delivery = deliveryAt(nowMs);
    search.start(lineThat(delivery, 2 * delivery, 60), pdvMs, LOOP_MS, nowMs);
    if (!search.isStartup) return nowMs;
  }
  return Number.POSITIVE_INFINITY;
}

describe("the start of a line", () => {
  it("ends within two round trips of the moment from which no more arrives", () => {
    const fullAt400 = (nowMs: number) => 100 * 2 ** (Math.min(nowMs, 400) / LOOP_MS);
    for (const pdvMs of [STEADY_MS, VARYING_MS]) {
      expect(startedMs(fullAt400, pdvMs)).toBeGreaterThan(400);
      expect(startedMs(fullAt400, pdvMs)).toBeLessThanOrEqual(400 + 2 * LOOP_MS + 20);
    }
  });

  it("goes on while more and more arrives, however late: a delay that varies looks like a queue", () => {
    expect(startedMs((nowMs) => 10 * 1.2 ** (nowMs / LOOP_MS), VARYING_MS)).toBe(Number.POSITIVE_INFINITY);
  });

  it("is not over because one report looks full", () => {
    const search = new RateSearch();
    search.start(lineThat(100, 101, 0), VARYING_MS, LOOP_MS, 0);
    search.start(lineThat(100, 101, 0), VARYING_MS, LOOP_MS, 300);
    search.start(lineThat(100, 200, 60), VARYING_MS, LOOP_MS, 320);
    expect(search.isStartup).toBe(true);
  });
});

describe("a rate that was doubted", () => {
  function gainAt(rate: number, former: number): number {
    const search = new RateSearch();
    search.endStartup(0);
    search.catchUp(former, rate);
    search.grow(lineThat(rate, rate, 0), rate, 0, STEADY_MS, 0, LOOP_MS, false, 10);
    return search.gain;
  }

  it("is tried again at once, and hardly more than it", () => {
    expect(gainAt(99, 100)).toBeCloseTo(1.06, 2);
    expect(gainAt(70, 100)).toBeCloseTo(1.5, 2);
  });

  it("is approached in steps of two from far below", () => {
    expect(gainAt(10, 100)).toBe(2);
  });

  it("is no reason to try more once it is reached", () => {
    expect(gainAt(101, 100)).toBe(1);
  });
});
