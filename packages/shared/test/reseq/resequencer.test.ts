import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Harness } from "./harness.ts";

/** A step of a table: sequence, path, when sent, when arrived; or a time at which the timer is called. */
type Step = readonly [sequence: number, path: number, sentMs: number, atMs: number] | number;

function play(steps: readonly Step[], harness = new Harness()): Harness {
  for (const step of steps) {
    if (typeof step === "number") {
      harness.onTimer(step);
    } else {
      const [sequence, path, sentMs, atMs] = step;
      harness.arrive({ flowSlot: 0, sequence, path, sentMs }, atMs);
    }
  }
  return harness;
}

/** Two paths, 0 with 10 ms and 1 with 50 ms, that have alternated for 2 s; frame n is sent at n ms. */
function twoPaths(): Harness {
  const harness = new Harness({}, 0b11);
  const arrivals = Array.from({ length: 2000 }, (_, n) => ({ n, path: n & 1, atMs: n + ((n & 1) === 0 ? 10 : 50) }));
  arrivals.sort((a, b) => a.atMs - b.atMs);
  for (const { n, path, atMs } of arrivals) {
    while (harness.nextDeadlineMs < atMs) harness.onTimer(harness.nextDeadlineMs);
    harness.arrive({ flowSlot: 0, sequence: n, path, sentMs: n }, atMs);
  }
  return harness;
}

describe("Resequencer on one path", () => {
  it("costs nothing without a gap: no frame waits and no timer runs", () => {
    const harness = new Harness();
    for (let n = 0; n < 1000; n++) {
      harness.push({ flowSlot: 3, sequence: n, path: 2, sentMs: n }, n + 40);
      expect(harness.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
    }
    expect(harness.delivered).toHaveLength(1000);
    expect(harness.resequencer.counters.held).toBe(0);
  });

  it("knows that a missing frame is lost when a later one arrives", () => {
    const harness = new Harness({}, 0b1);
    for (let n = 0; n < 1000; n++) {
      if (n % 10 !== 7) harness.arrive({ flowSlot: 0, sequence: n, path: 0, sentMs: n }, n + 40);
    }
    expect(harness.delivered.every(({ sentMs, atMs }) => atMs === sentMs + 40)).toBe(true);
    expect(harness.resequencer.skipped).toEqual({ lost: 100, overdue: 0 });
  });

  it("does so while other flows are on slower paths", () => {
    const harness = new Harness({}, 0b11);
    for (let n = 0; n < 1000; n++) {
      harness.arrive({ flowSlot: 1, sequence: n, path: 1, sentMs: n - 200 }, n + 40);
      if (n % 10 !== 7) harness.arrive({ flowSlot: 0, sequence: n, path: 0, sentMs: n }, n + 40);
    }
    const late = harness.delivered.filter(({ flowSlot, sentMs, atMs }) => flowSlot === 0 && atMs !== sentMs + 40);
    // Only while the flow is new may a frame of it come on the slow path.
    expect(late.every(({ sequence }) => sequence < 260)).toBe(true);
    expect(harness.resequencer.skipped.overdue).toBe(0);
  });
});

describe("Resequencer while frames come again", () => {
  /** 2000 to 2098 went with path 0; 2099 came over path 1. Those that went come again, one every 10 ms, from 100 ms on. */
  function again(upTo: number): Harness {
    const harness = twoPaths();
    harness.resequencer.repairMs = 100;
    harness.arrive({ flowSlot: 0, sequence: 2099, path: 1, sentMs: 2010 }, 2060);
    for (let sequence = 2000; sequence <= upTo; sequence++) {
      const atMs = 2160 + 10 * (sequence - 2000);
      while (harness.nextDeadlineMs < atMs) harness.onTimer(harness.nextDeadlineMs);
      harness.arrive({ flowSlot: 0, sequence, path: 1, sentMs: atMs - 50, isAgain: true }, atMs);
    }
    return harness;
  }

  it("waits for each of many that went with a line, as long as they come", () => {
    const harness = again(2098);
    expect(harness.outOfOrder()).toEqual([]);
    expect(harness.sequences().slice(2000)).toEqual(Array.from({ length: 100 }, (_, i) => 2000 + i));
    expect(harness.resequencer.skipped).toEqual({ lost: 0, overdue: 0 });
  });

  it("and no longer than a repair takes when they stop", () => {
    const harness = again(2049);
    harness.onTimer(2160 + 490 + harness.resequencer.holdMs + 99);
    expect(harness.sequences().at(-1)).toBe(2049);
    harness.onTimer(2160 + 490 + harness.resequencer.holdMs + 101);
    expect(harness.sequences().at(-1)).toBe(2099);
  });
});

describe("Resequencer's rule of loss", () => {
  it("waits for the path that has not passed the hole, and no longer", () => {
    const harness = twoPaths();
    expect(harness.outOfOrder()).toEqual([]);
    expect(harness.resequencer.skipped).toEqual({ lost: 0, overdue: 0 });
    harness.delivered.length = 0;
    // 2001 is lost on path 1; 2003 comes over it at 2053 and tells.
    play(
      [
        [2000, 0, 2000, 2010],
        [2002, 0, 2002, 2052],
        [2004, 0, 2004, 2052.5],
      ],
      harness,
    );
    expect(harness.sequences()).toEqual([2000]);
    play([[2003, 1, 2003, 2053]], harness);
    expect(harness.sequences()).toEqual([2000, 2002, 2003, 2004]);
    expect(harness.resequencer.skipped).toEqual({ lost: 1, overdue: 0 });
  });

  it("takes another flow's frame on that path for an answer", () => {
    const harness = twoPaths();
    play(
      [
        [2000, 0, 2000, 2010],
        [2002, 0, 2002, 2012],
      ],
      harness,
    );
    harness.arrive({ flowSlot: 7, sequence: 0, path: 1, sentMs: 2001.5 }, 2051);
    expect(harness.sequences().at(-1)).toBe(2000);
    harness.arrive({ flowSlot: 7, sequence: 1, path: 1, sentMs: 2002.5 }, 2052);
    expect(harness.sequences().at(-1)).toBe(2002);
    expect(harness.resequencer.skipped).toEqual({ lost: 1, overdue: 0 });
  });

  it("takes a duplicate for an answer", () => {
    const harness = twoPaths();
    play(
      [
        [2000, 0, 2000, 2010],
        [2002, 0, 2002, 2012],
        [2002, 1, 2002, 2052],
      ],
      harness,
    );
    expect(harness.sequences().at(-1)).toBe(2002);
    expect(harness.refused).toBe(1);
  });

  it("does not wait for a path that leaves", () => {
    const harness = twoPaths();
    play(
      [
        [2000, 0, 2000, 2010],
        [2002, 0, 2002, 2012],
      ],
      harness,
    );
    harness.resequencer.setLivePaths(0b01, 2020);
    expect(harness.nextDeadlineMs).toBe(2020);
    harness.onTimer(2020);
    expect(harness.sequences().at(-1)).toBe(2002);
    expect(harness.resequencer.skipped).toEqual({ lost: 1, overdue: 0 });
  });

  it("remembers over a pause which paths were in use", () => {
    const harness = twoPaths();
    // A last frame on one path alone, after the paths in use have been counted anew.
    play(
      [
        [2000, 0, 3090, 3100],
        [2001, 0, 9000, 9010],
        [2003, 0, 9002, 9012],
        [2005, 0, 9004, 9014],
      ],
      harness,
    );
    play(
      [
        [2002, 1, 9001, 9051],
        [2004, 1, 9003, 9053],
      ],
      harness,
    );
    expect(harness.outOfOrder()).toEqual([]);
    expect(harness.sequences()).toHaveLength(2006);
  });

  it("waits for a path that joins, before its first frame has come", () => {
    const harness = new Harness({}, 0b11);
    for (let n = 0; n < 3000; n++) harness.arrive({ flowSlot: 0, sequence: n, path: n & 1, sentMs: n }, n + 10);
    harness.resequencer.setLivePaths(0b111, 3010);
    play(
      [
        [3000, 0, 3000, 3010],
        [3002, 1, 3002, 3012],
        [3003, 0, 3003, 3013],
      ],
      harness,
    );
    expect(harness.sequences().at(-1)).toBe(3000);
    play([[3001, 2, 3001, 3200]], harness);
    expect(harness.sequences().slice(-3)).toEqual([3001, 3002, 3003]);
    expect(harness.resequencer.counters.late).toBe(0);
  });

  it("gives up after the skew, counted from the first frame behind the hole", () => {
    const harness = twoPaths();
    const { holdMs, skewMs } = harness.resequencer;
    expect(Math.abs(skewMs - 40)).toBeLessThan(0.5);
    expect(holdMs).toBeGreaterThan(45);
    expect(holdMs).toBeLessThan(60);
    // Three holes, all overtaken at 2012..2016: together they wait once, not three times.
    play(
      [
        [2000, 0, 2000, 2010],
        [2002, 0, 2002, 2012],
        [2004, 0, 2004, 2014],
        [2006, 0, 2006, 2016],
      ],
      harness,
    );
    harness.onTimer(2012 + holdMs - 1);
    expect(harness.sequences().at(-1)).toBe(2000);
    harness.onTimer(2016 + holdMs + 0.1);
    expect(harness.sequences().at(-1)).toBe(2006);
    expect(harness.resequencer.skipped).toEqual({ lost: 0, overdue: 3 });
    play([[2003, 1, 2003, 2200]], harness);
    expect(harness.sequences().at(-1)).toBe(2003);
    expect(harness.resequencer.counters.late).toBe(1);
    play([[2003, 0, 2203, 2213]], harness);
    expect(harness.refused).toBe(1);
  });

  it("does not wait for a path that is later than any frame is held", () => {
    const harness = new Harness({ maxHoldMs: 300 }, 0b111);
    const arrivals = Array.from({ length: 6000 }, (_, n) => ({ n, path: n % 3, atMs: n + (n % 3 === 2 ? 2000 : 20) }));
    arrivals.sort((a, b) => a.atMs - b.atMs);
    for (const { n, path, atMs } of arrivals) {
      while (harness.nextDeadlineMs < atMs) harness.onTimer(harness.nextDeadlineMs);
      harness.arrive({ flowSlot: 0, sequence: n, path, sentMs: n }, atMs);
    }
    const late = harness.delivered.filter(
      ({ path, atMs, sentMs }) => path !== 2 && sentMs > 3000 && atMs - sentMs > 25,
    );
    expect(late).toEqual([]);
    expect(harness.delivered).toHaveLength(6000);
  });
});

describe("Resequencer's bounds", () => {
  it("gives up the oldest hole when too many frames are held", () => {
    const harness = new Harness({ maxHeldFrames: 100 });
    harness.push({ flowSlot: 0, sequence: 0, path: 0, sentMs: 0 }, 0);
    harness.push({ flowSlot: 1, sequence: 0, path: 0, sentMs: 0 }, 0);
    for (let n = 0; n < 80; n++) harness.push({ flowSlot: 1, sequence: n + 5, path: 0, sentMs: 1 }, 1);
    for (let n = 0; n < 80; n++) harness.push({ flowSlot: 0, sequence: 2 * n + 2, path: 0, sentMs: 2 }, 2);
    expect(harness.resequencer.heldFrames).toBeLessThanOrEqual(100);
    expect(harness.sequences(1)).toHaveLength(81);
    expect(harness.sequences(0)).toEqual([0]);
    expect(harness.resequencer.counters.overflow).toBe(1);
  });

  it("gives up no more holes than a frame too far ahead needs", () => {
    const harness = new Harness({}, 0b11);
    for (const sequence of [0, 3, 8000, 8193]) harness.push({ flowSlot: 0, sequence, path: 0, sentMs: 0 }, 0);
    expect(harness.sequences()).toEqual([0, 3]);
    expect(harness.resequencer.heldFrames).toBe(2);
    expect(harness.resequencer.counters.overflow).toBe(1);
  });

  it("follows a jump of any length, and goes on from there", () => {
    const harness = new Harness();
    for (const start of [0, 9000, 5_000_000, 0xe00000]) {
      for (let n = 0; n < 10; n++) harness.push({ flowSlot: 0, sequence: start + n, path: 0, sentMs: 0 }, 0);
    }
    expect(harness.delivered).toHaveLength(40);
    expect(harness.outOfOrder()).toEqual([]);
    expect(harness.resequencer.heldFrames).toBe(0);
  });

  it("holds frames of all flow slots at once, and lets go of them all", () => {
    const harness = new Harness({ maxHeldFrames: 100_000 }, 0b1);
    for (let flowSlot = 0; flowSlot < 256; flowSlot++) {
      for (const sequence of [0, 2, 3, 100, 400]) harness.push({ flowSlot, sequence, path: 0, sentMs: 0 }, 0);
    }
    for (let flowSlot = 0; flowSlot < 256; flowSlot++) {
      harness.push({ flowSlot, sequence: 8100, path: 0, sentMs: 0 }, 0); // more ring than there may be in all
    }
    expect(harness.resequencer.counters.overflow).toBeGreaterThan(200);
    harness.onTimer(1);
    expect(harness.delivered).toHaveLength(256 * 6);
    expect(harness.outOfOrder()).toEqual([]);
    expect(harness.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("hands out everything at a reset and takes a new numbering", () => {
    const harness = twoPaths();
    play(
      [
        [2000, 0, 2000, 2010],
        [2002, 0, 2002, 2012],
        [2004, 0, 2004, 2014],
      ],
      harness,
    );
    harness.resequencer.reset();
    harness.filter.reset();
    harness.collect(2015);
    expect(harness.sequences().slice(-2)).toEqual([2002, 2004]);
    expect(harness.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
    play(
      [
        [0, 0, 2016, 2026],
        [1, 0, 2017, 2027],
      ],
      harness,
    );
    expect(harness.sequences().slice(-2)).toEqual([0, 1]);
  });
});

describe("Resequencer, whatever arrives", () => {
  const arrival = fc.record({
    jump: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: -6, max: 8 }) }, { weight: 1, arbitrary: fc.nat(20_000) }),
    flowSlot: fc.nat(2),
    path: fc.nat(3),
    gapMs: fc.nat(30),
    agoMs: fc.nat(200),
    live: fc.option(fc.integer({ min: 1, max: 15 }), { freq: 20 }),
  });

  it("delivers each frame once, in order but for late ones, within maxHoldMs, and keeps its bounds", () => {
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 300 }), fc.nat(0xffffff), fc.integer({ min: 1, max: 40 }), run),
      { numRuns: 300 },
    );
  });

  type Arrival = typeof arrival extends fc.Arbitrary<infer T> ? T : never;

  function run(arrivals: Arrival[], start: number, maxHeldFrames: number): void {
    const harness = new Harness({ maxHoldMs: 100, maxHeldFrames });
    const pushedAtMs = new Map<string, number>();
    const newest = [start, start, start];
    let nowMs = 0;
    const passTime = (untilMs: number) => {
      while (harness.nextDeadlineMs <= untilMs) harness.onTimer(harness.nextDeadlineMs);
      nowMs = untilMs;
    };
    for (const { jump, flowSlot, path, gapMs, agoMs, live } of arrivals) {
      passTime(nowMs + gapMs);
      if (live !== null) harness.resequencer.setLivePaths(live, nowMs);
      const sequence = Math.max(0, (newest[flowSlot] ?? 0) + jump);
      newest[flowSlot] = Math.max(newest[flowSlot] ?? 0, sequence);
      const key = `${flowSlot} ${sequence}`;
      if (!pushedAtMs.has(key)) pushedAtMs.set(key, nowMs);
      harness.push({ flowSlot, sequence, path, sentMs: nowMs - agoMs }, nowMs);
      expect(harness.resequencer.heldFrames).toBeLessThanOrEqual(maxHeldFrames);
    }
    passTime(nowMs + 100);
    const { counters, heldFrames } = harness.resequencer;
    expect(heldFrames).toBe(0);
    expect(harness.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
    expect(counters.released).toBe(counters.held);
    expect(harness.delivered.length + harness.refused).toBe(arrivals.length);
    expect(harness.refused).toBe(harness.filter.duplicates + harness.filter.tooOld);
    const keys = harness.delivered.map(({ flowSlot, sequence }) => `${flowSlot} ${sequence}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(harness.outOfOrder().length).toBeLessThanOrEqual(counters.late);
    for (const [i, { atMs }] of harness.delivered.entries()) {
      expect(atMs - (pushedAtMs.get(keys[i] ?? "") ?? 0)).toBeLessThanOrEqual(100);
    }
  }
});
