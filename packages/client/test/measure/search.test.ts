import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deliveredKbps,
  type Neighbour,
  type RunTrain,
  searchCapacity,
  sharesQueue,
  type TrainOutcome,
} from "../../src/measure/capacity.ts";
import { boundsOf } from "../../src/measure/mapping.ts";
import { searchMtu } from "../../src/measure/path-mtu.ts";
import { roundTripFigures } from "../../src/measure/statistics.ts";

describe("the search for a path MTU", () => {
  it("finds any size exactly, with few tries", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 576, max: 1500 }), async (mtu) => {
        let tries = 0;
        const attempt = async (size: number) => ++tries > 0 && size <= mtu;
        expect(await searchMtu(attempt, 1500, () => 0)).toEqual({ bytes: mtu, exact: true });
        expect(tries).toBeLessThanOrEqual(15);
      }),
    );
  });

  it("takes four tries for PPPoE, and one for Ethernet", async () => {
    for (const [mtu, count] of [
      [1492, 4],
      [1500, 1],
    ] as const) {
      let tries = 0;
      await searchMtu(
        async (size) => ++tries > 0 && size <= mtu,
        1500,
        () => 0,
      );
      expect(tries).toBe(count);
    }
  });

  it("says that it is not exact when time is up, and that nothing comes through", async () => {
    let nowMs = 0;
    const slow = async (size: number) => {
      nowMs += 6_000;
      return size <= 1333;
    };
    expect(await searchMtu(slow, 1500, () => nowMs)).toMatchObject({ exact: false });
    expect(
      await searchMtu(
        async () => false,
        1500,
        () => 0,
      ),
    ).toEqual({ bytes: null, exact: true });
  });
});

describe("the search for a capacity", () => {
  /** A line with a queue of 100 ms. */
  function line(kbps: number, offers: number[]): RunTrain {
    return async (rateKbps, bytes) => {
      offers.push(bytes);
      const sentCount = Math.floor(bytes / 1000);
      const sendMs = (bytes * 8) / rateKbps;
      const carried = Math.min(bytes, (kbps * (sendMs + 100)) / 8);
      const received = Math.floor(carried / 1000);
      return {
        offeredKbps: rateKbps,
        sentCount,
        received,
        bytes: received * 1000,
        spanMs: (received * 8000) / Math.min(kbps, rateKbps),
      };
    };
  }
  const PLAIN = { sizeBytes: 1000, usualRatio: 1 };
  const plainly = async (run: () => Promise<TrainOutcome | null>) => ({ outcome: await run(), queueMs: 50 });

  it.each([300, 2_000, 20_000, 90_000])("finds %i kbit/s", async (kbps) => {
    const found = await searchCapacity(line(kbps, []), 40_000_000, PLAIN, plainly);
    expect(found?.saturated).toBe(true);
    expect(found?.kbps).toBeGreaterThan(kbps * 0.9);
    expect(found?.kbps).toBeLessThan(kbps * 1.15);
  });

  it("never uses more bytes than it may, and says that there may be more", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 100_000, max: 20_000_000 }), async (limitBytes) => {
        const offers: number[] = [];
        const found = await searchCapacity(line(500_000, offers), limitBytes, PLAIN, plainly);
        expect(offers.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(limitBytes);
        expect(found?.saturated).toBe(false);
      }),
    );
  });

  it("does not take a line that always loses some for a full one", async () => {
    const lossy: RunTrain = async (rateKbps, bytes) => {
      const outcome = await line(20_000, [])(rateKbps, bytes);
      return outcome === null
        ? null
        : { ...outcome, received: Math.round(outcome.received * 0.8), bytes: outcome.bytes * 0.8 };
    };
    const found = await searchCapacity(lossy, 40_000_000, { sizeBytes: 1000, usualRatio: 0.8 }, plainly);
    expect(found?.kbps).toBeGreaterThan(14_000);
  });

  it("knows nothing of a line that answers nothing", async () => {
    expect(await searchCapacity(async () => null, 1_000_000, PLAIN, plainly)).toBeNull();
  });

  it("does not count the first datagram, which opens the span", () => {
    expect(deliveredKbps({ offeredKbps: 1, sentCount: 11, received: 11, bytes: 11_000, spanMs: 80 })).toBeCloseTo(1000);
  });
});

describe("a shared bottleneck", () => {
  const idle = { idleMedianMs: 40 } satisfies Partial<Neighbour>;
  it.each([
    ["a delay that rises with the other's queue", 90, 60, true],
    ["a delay that stays", 42, 60, false],
    ["a rise that is small beside the queue", 52, 200, false],
    ["no queue at all", 90, 2, false],
    ["nothing heard", null, 60, false],
  ])("is told by %s: %s", (_what, medianMs, queueMs, shared) => {
    expect(sharesQueue(idle, medianMs, queueMs)).toBe(shared);
  });
});

describe("figures", () => {
  it("of mappings: the longest that was survived, and the shortest above it that was not", () => {
    const tried = [4_000, 8_000, 12_000, 20_000];
    expect(boundsOf(tried, [true, true, false, false])).toMatchObject({ atLeastMs: 8_000, belowMs: 12_000 });
    expect(boundsOf(tried, [true, false, true, true])).toMatchObject({ atLeastMs: 20_000, belowMs: null });
    expect(boundsOf(tried, [true, null, null, false])).toMatchObject({ atLeastMs: 4_000, belowMs: 20_000 });
    expect(boundsOf(tried, [false, false, false, false])).toMatchObject({ atLeastMs: 0, belowMs: 4_000 });
  });

  it("of round trips: median, 95th percentile, and its distance from the least", () => {
    const rtts = Array.from({ length: 100 }, (_, i) => 120 - i);
    expect(roundTripFigures(110, rtts)).toEqual({
      sent: 110,
      answered: 100,
      minMs: 21,
      medianMs: 70,
      p95Ms: 115,
      pdvMs: 94,
    });
    expect(roundTripFigures(5, [])).toMatchObject({ answered: 0, minMs: null, medianMs: null, pdvMs: null });
  });
});
