import { describe, expect, it } from "vitest";
import { exponentialRandom, normalRandom, randomInteger, seededRandom } from "../support/random.ts";
import { TimeHeap } from "../support/time-heap.ts";
import { type LineSettings, VirtualNetwork } from "../support/virtual-network.ts";

const FRAME_BYTES = 1250; // 10 kbit

interface Arrival {
  readonly frame: number;
  readonly sentMs: number;
  readonly atMs: number;
}

/** Sends frames at a constant rate for a while, and lets everything arrive. */
function runLine(settings: Partial<LineSettings>, framesPerSecond: number, durationMs: number, seed = 1) {
  const network = new VirtualNetwork(seed);
  const arrivals: Arrival[] = [];
  const sentMs: number[] = [];
  const line = network.line<number>(settings, (frame, atMs) => {
    arrivals.push({ frame, sentMs: sentMs[frame] ?? Number.NaN, atMs });
  });
  const count = Math.round((framesPerSecond * durationMs) / 1000);
  for (let frame = 0; frame < count; frame++) {
    const atMs = (frame * 1000) / framesPerSecond;
    sentMs.push(atMs);
    network.at(atMs, () => line.send(frame, FRAME_BYTES, network.nowMs));
  }
  network.run(durationMs + 60_000);
  return { arrivals, line };
}

function isSorted(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value >= (values[i - 1] ?? 0));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

describe("random numbers", () => {
  it("are uniform, normal and exponential as they claim, and repeat with the seed", () => {
    const random = seededRandom(42);
    const uniform = Array.from({ length: 20_000 }, random);
    expect(mean(uniform)).toBeCloseTo(0.5, 1.9);
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
    const normal = Array.from({ length: 20_000 }, normalRandom(random));
    expect(Math.abs(mean(normal))).toBeLessThan(0.03);
    expect(deviation(normal)).toBeGreaterThan(0.97);
    expect(deviation(normal)).toBeLessThan(1.03);
    expect(Math.abs(mean(Array.from({ length: 20_000 }, () => exponentialRandom(random))) - 1)).toBeLessThan(0.03);
    expect(new Set(Array.from({ length: 200 }, () => randomInteger(random, 6)))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    const again = seededRandom(42);
    expect(Array.from({ length: 20_000 }, again)).toEqual(uniform);
    expect(seededRandom(43)()).not.toBe(uniform[0]);
  });
});

describe("TimeHeap", () => {
  it("gives back by time, and in the order of insertion at the same time", () => {
    const random = seededRandom(7);
    const heap = new TimeHeap<{ timeMs: number; order: number }>();
    const expected: { timeMs: number; order: number }[] = [];
    for (let order = 0; order < 2000; order++) {
      const item = { timeMs: randomInteger(random, 50), order };
      expected.push(item);
      heap.push(item.timeMs, item);
    }
    expected.sort((a, b) => a.timeMs - b.timeMs || a.order - b.order);
    expect(Array.from({ length: 2000 }, () => heap.pop())).toEqual(expected);
    expect(heap.firstMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("VirtualLine", () => {
  it("carries its rate, no more, and drops the rest at the tail of its queue", () => {
    const { arrivals, line } = runLine({ rateKbps: 8000, delayMs: 20, queueMs: 100 }, 1600, 10_000);
    const full = arrivals.filter(({ atMs }) => atMs >= 1000 && atMs < 10_000).length;
    expect(full / 9).toBeGreaterThan(799); // 8000 kbit/s of 10-kbit frames
    expect(full / 9).toBeLessThan(801);
    const waitMs = arrivals.filter(({ sentMs }) => sentMs > 1000).map(({ sentMs, atMs }) => atMs - sentMs);
    expect(Math.min(...waitMs)).toBeGreaterThan(115);
    expect(Math.max(...waitMs)).toBeLessThanOrEqual(121.3);
    expect(line.counters.queueDrops + line.counters.delivered).toBe(line.counters.offered);
  });

  it("delays a lone frame by its delay and its own transmission, and knows its queue", () => {
    const network = new VirtualNetwork(1);
    const atMs: number[] = [];
    const line = network.line<number>({ rateKbps: 1000, delayMs: 30 }, (_, nowMs) => atMs.push(nowMs));
    line.send(1, FRAME_BYTES, 0);
    expect(line.queueMs(0)).toBe(10);
    line.send(2, FRAME_BYTES, 0);
    expect(line.queueMs(5)).toBe(15);
    network.run(100);
    expect(atMs).toEqual([40, 50]);
    expect(line.queueMs(100)).toBe(0);
  });

  it("limits its queue in bytes, too", () => {
    const { line } = runLine({ rateKbps: 1000, queueBytes: 10 * FRAME_BYTES }, 100_000, 1);
    expect(line.counters.delivered).toBe(10);
  });

  it("follows a rate that changes with time", () => {
    const rateAtMs = (nowMs: number) => (nowMs < 5000 ? 8000 : 2000);
    const { arrivals } = runLine({ rateAtMs, queueMs: 50 }, 1600, 10_000);
    const between = (fromMs: number, toMs: number) =>
      (arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).length * 1000) / (toMs - fromMs);
    expect(Math.abs(between(1000, 5000) - 800)).toBeLessThan(5);
    expect(Math.abs(between(6000, 10_000) - 200)).toBeLessThan(3);
  });

  it("loses the given share", () => {
    const { line } = runLine({ lossRatio: 0.02 }, 10_000, 10_000);
    expect(line.counters.losses / line.counters.offered).toBeGreaterThan(0.018);
    expect(line.counters.losses / line.counters.offered).toBeLessThan(0.022);
    expect(line.counters.losses + line.counters.delivered).toBe(line.counters.offered);
  });

  it("varies the delay normally where frames may overtake each other", () => {
    const { arrivals } = runLine({ delayMs: 100, pdvMs: 10, reorders: true }, 1000, 20_000);
    const delays = arrivals.map(({ sentMs, atMs }) => atMs - sentMs);
    expect(Math.abs(mean(delays) - 100)).toBeLessThan(0.5);
    expect(Math.abs(deviation(delays) - 10)).toBeLessThan(0.4);
    const within = delays.filter((delayMs) => Math.abs(delayMs - 100) < 10).length / delays.length;
    expect(Math.abs(within - 0.683)).toBeLessThan(0.02);
    expect(isSorted(arrivals.map(({ frame }) => frame))).toBe(false);
    expect(isSorted(arrivals.map(({ atMs }) => atMs))).toBe(true);
  });

  it("keeps the order otherwise: slow traffic sees the same distribution, dense traffic its upper end", () => {
    const sparse = runLine({ rateKbps: 50_000, delayMs: 100, pdvMs: 10 }, 10, 500_000).arrivals;
    const delays = sparse.map(({ sentMs, atMs }) => atMs - sentMs);
    expect(Math.abs(mean(delays) - 100.2)).toBeLessThan(0.7);
    expect(Math.abs(deviation(delays) - 10)).toBeLessThan(0.5);
    const dense = runLine({ rateKbps: 50_000, delayMs: 100, pdvMs: 10 }, 1000, 10_000).arrivals;
    expect(isSorted(dense.map(({ frame }) => frame))).toBe(true);
    expect(mean(dense.map(({ sentMs, atMs }) => atMs - sentMs))).toBeGreaterThan(110);
  });

  it("neither loses rate nor drops at part load because of PDV", () => {
    const settings = { rateKbps: 8000, delayMs: 50, pdvMs: 15, queueMs: 60 };
    expect(runLine(settings, 400, 20_000).line.counters.queueDrops).toBe(0);
    const { arrivals } = runLine(settings, 1600, 10_000);
    const full = arrivals.filter(({ atMs }) => atMs >= 1000 && atMs < 10_000).length;
    expect(full / 9).toBeGreaterThan(792);
  });

  it("swallows everything while it is a blackhole, and nothing that was under way before", () => {
    const { arrivals, line } = runLine({ delayMs: 500, outages: [[2000, 3000]] }, 100, 5000);
    expect(line.counters.outageDrops).toBe(100);
    const frames = new Set(arrivals.map(({ frame }) => frame));
    expect(frames.has(199)).toBe(true);
    expect(frames.has(200)).toBe(false);
    expect(frames.has(299)).toBe(false);
    expect(frames.has(300)).toBe(true);
  });

  it("can be cut and mended while it runs, and says that it did not take a frame", () => {
    const network = new VirtualNetwork(1);
    const line = network.line<string>({}, () => {});
    expect(line.send("a", 100, 0)).toBe(true);
    line.settings.blackholed = true;
    expect(line.send("b", 100, 1)).toBe(false);
    line.settings.blackholed = false;
    expect(line.send("c", 100, 2)).toBe(true);
  });

  it("holds up frames behind a spike of the delay instead of letting later ones overtake", () => {
    const network = new VirtualNetwork(1);
    const arrived: [string, number][] = [];
    const line = network.line<string>({ delayMs: 2000 }, (frame, nowMs) => arrived.push([frame, nowMs]));
    line.send("in the spike", 100, 0);
    line.settings.delayMs = 40;
    line.send("after it", 100, 10);
    network.run(3000);
    expect(arrived).toEqual([
      ["in the spike", 2000],
      ["after it", 2000],
    ]);
  });

  it("repeats a run with the same seed and differs with another, whatever happens on other lines", () => {
    const settings = { rateKbps: 8000, delayMs: 30, pdvMs: 10, lossRatio: 0.01, queueMs: 50 };
    const first = runLine(settings, 900, 5000, 7).arrivals;
    expect(runLine(settings, 900, 5000, 7).arrivals).toEqual(first);
    expect(runLine(settings, 900, 5000, 8).arrivals).not.toEqual(first);
  });
});

describe("VirtualNetwork", () => {
  it("calls machines at their deadlines, and notices one that lets time stand still", () => {
    const network = new VirtualNetwork(1);
    const calledMs: number[] = [];
    const machine = {
      nextDeadlineMs: 5,
      onTimer(nowMs: number) {
        calledMs.push(nowMs);
        this.nextDeadlineMs = nowMs + 5;
      },
    };
    network.add(machine);
    network.run(17);
    expect(calledMs).toEqual([5, 10, 15]);
    expect(network.nowMs).toBe(17);
    network.add({ nextDeadlineMs: 18, onTimer: () => {} });
    expect(() => network.run(20)).toThrow("time stands still");
  });
});
