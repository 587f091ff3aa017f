import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LossMeter } from "../../src/link/loss-meter.ts";
import { PdvEstimator } from "../../src/link/pdv-estimator.ts";
import { RateMeter } from "../../src/link/rate-meter.ts";
import { RttEstimator } from "../../src/link/rtt-estimator.ts";

describe("RttEstimator", () => {
  it("follows RFC 6298 (2.2) and (2.3)", () => {
    const rtt = new RttEstimator();
    expect([rtt.smoothedMs, rtt.variationMs, rtt.minMs, rtt.maxMs]).toEqual([NaN, NaN, NaN, NaN]);
    rtt.addSample(100, 0);
    expect([rtt.smoothedMs, rtt.variationMs]).toEqual([100, 50]);
    rtt.addSample(180, 100);
    expect([rtt.smoothedMs, rtt.variationMs]).toEqual([110, 57.5]);
    expect([rtt.minMs, rtt.maxMs]).toEqual([100, 180]);
  });

  it("forgets extremes after its window and not before half of it", () => {
    const rtt = new RttEstimator();
    rtt.addSample(10, 0);
    for (let ms = 100; ms <= 14_900; ms += 100) rtt.addSample(50, ms);
    expect(rtt.minMs).toBe(10);
    for (let ms = 15_000; ms <= 31_000; ms += 100) rtt.addSample(50, ms);
    expect(rtt.minMs).toBe(50);
  });
});

describe("PdvEstimator", () => {
  /** Feeds frames 20 ms apart whose delay is given, with clocks that disagree and drift. */
  function feed(
    pdv: PdvEstimator,
    delaysMs: readonly number[],
    startMs: number,
    offsetMs: number,
    driftPpm: number,
  ): void {
    delaysMs.forEach((delayMs, i) => {
      const sentMs = startMs + i * 20;
      const senderClockMs = sentMs * (1 + driftPpm / 1e6) + offsetMs;
      pdv.add(Math.floor(senderClockMs * 250) % 0x1000000, sentMs + delayMs);
    });
  }

  it("gives the delay above the minimum, whatever the clocks say and through wraps of the send time", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (startMs, offsetMs) => {
          const pdv = new PdvEstimator();
          feed(pdv, [...Array(5000).fill(30), ...Array(200).fill(70)], startMs, offsetMs, 0); // 104 s: one wrap at least.
          expect(pdv.owdQueueMs).toBeGreaterThan(39.9);
          expect(pdv.owdQueueMs).toBeLessThan(40.1);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("is not led astray by clocks that drift by 100 ppm for hours", () => {
    for (const driftPpm of [100, -100]) {
      const pdv = new PdvEstimator();
      feed(pdv, Array(180 * 3600 * 2).fill(30), 5000, 123_456, driftPpm / 3.6);
      expect(pdv.owdQueueMs).toBeLessThan(3.1);
      expect(pdv.pdvMs).toBeLessThan(0.05);
    }
  });

  it("measures the variation between consecutive frames", () => {
    const pdv = new PdvEstimator();
    feed(
      pdv,
      Array.from({ length: 1000 }, (_, i) => 30 + (i % 2) * 8),
      0,
      0,
      0,
    );
    expect(pdv.pdvMs).toBeCloseTo(8, 1);
  });

  it("takes a pause of an hour for nothing but a pause", () => {
    const pdv = new PdvEstimator();
    feed(pdv, Array(100).fill(30), 0, 0, 50);
    feed(pdv, Array(100).fill(30), 3_600_000, 0, 50);
    expect(pdv.pdvMs).toBeLessThan(0.05);
    expect(pdv.owdQueueMs).toBeLessThan(1);
  });
});

describe("RateMeter", () => {
  it("gives the mean of the last second, and 0 a while after the last byte", () => {
    const meter = new RateMeter(0);
    for (let ms = 0; ms < 3000; ms++) meter.add(125, ms);
    expect(meter.kbps(3000)).toBe(1000);
    expect(meter.kbps(3500)).toBeCloseTo(500, -2);
    expect(meter.kbps(4200)).toBe(0);
    expect(meter.totalBytes).toBe(375_000);
    meter.add(1000, 1e7);
    expect(meter.kbps(1e7 + 125)).toBe(8);
  });
});

describe("LossMeter", () => {
  /** Reports every 100 ms of a sender of 10 datagrams per report. */
  function report(
    meter: LossMeter,
    fromReport: number,
    count: number,
    lostPerReport: number,
    lostBefore: number,
  ): void {
    for (let i = 1; i <= count; i++) {
      const highest = (fromReport + i) * 10;
      meter.onReport(highest - lostBefore - i * lostPerReport, highest, (fromReport + i) * 100);
    }
  }

  it("gives the loss of the last seconds only", () => {
    const meter = new LossMeter();
    report(meter, 0, 40, 5, 0);
    meter.measure(20, 4000);
    expect(meter.plrRatio).toBeCloseTo(0.5, 5);
    report(meter, 40, 40, 0, 200);
    meter.measure(20, 8000);
    expect(meter.plrRatio).toBe(0);
  });

  it("knows nothing from one report, nor after a restart", () => {
    const meter = new LossMeter();
    report(meter, 0, 1, 5, 0);
    meter.measure(20, 100);
    expect([meter.plrRatio, meter.packetCount]).toEqual([NaN, 0]);
    report(meter, 1, 40, 5, 0);
    meter.restart();
    meter.measure(20, 4100);
    expect(meter.plrRatio).toBe(NaN);
  });

  it("takes back what was only overtaken, however much it was", () => {
    const meter = new LossMeter();
    report(meter, 0, 10, 0, 0);
    meter.onReport(100, 1000, 1100); // 900 are on their way, overtaken by the newest.
    meter.onReport(1005, 1005, 1200);
    meter.onReport(1010, 1010, 1300);
    meter.measure(20, 1300);
    expect(meter.plrRatio).toBe(0);
  });

  it("ignores reports that others overtook", () => {
    const meter = new LossMeter();
    report(meter, 0, 40, 0, 0);
    meter.onReport(10, 10, 4050);
    meter.measure(20, 4050);
    expect(meter.plrRatio).toBe(0);
  });

  it("stays between 0 and 1 and counts what it is given", () => {
    const reports = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(5000)), { maxLength: 200 });
    fc.assert(
      fc.property(reports, fc.nat(100), (steps, minPackets) => {
        const meter = new LossMeter();
        let [received, highest, nowMs] = [0, 0, 0];
        for (const [receivedMore, highestMore, gapMs] of steps) {
          received += receivedMore;
          highest += highestMore;
          nowMs += gapMs;
          meter.onReport(received, highest, nowMs);
          meter.measure(minPackets, nowMs);
          expect(Number.isNaN(meter.plrRatio) || (meter.plrRatio >= 0 && meter.plrRatio <= 1)).toBe(true);
          expect(Number.isNaN(meter.plrRatio)).toBe(meter.packetCount === 0);
        }
      }),
    );
  });

  it("counts received, highest and forged datagrams for the peer and for PER", () => {
    const meter = new LossMeter();
    for (const counter of [0, 1, 5, 3]) meter.onReceived(counter);
    meter.onForged();
    expect([meter.receivedCount, meter.highestCounter, meter.perRatio]).toEqual([4, 5, 0.2]);
  });
});
