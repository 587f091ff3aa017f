import { describe, expect, it } from "vitest";
import { normalRandom, seededRandom } from "../../../../test/support/random.ts";
import { DuplicateFilter, Resequencer } from "../../src/reseq/index.ts";

const UNITS_PER_MS = 250;
const FLOW = 5;
const MEAN_MS = 40;

interface Arrival {
  readonly sequence: number;
  readonly sentMs: number;
  readonly atMs: number;
}

/** Frames of one flow, one each millisecond, over two lines in turn. */
function arrivals(count: number, pdvMs: number, seed = 1): Arrival[] {
  const normal = normalRandom(seededRandom(seed));
  return Array.from({ length: count }, (_, sequence) => {
    return { sequence, sentMs: sequence, atMs: sequence + Math.max(0, MEAN_MS + pdvMs * normal()) };
  }).sort((a, b) => a.atMs - b.atMs);
}

interface Options {
  readonly maxHeldFrames?: number;
  readonly live?: number;
  readonly again?: number;
  /** Told after each arrival how many came and did not go, and how many the resequencer says it holds. */
  onHeld?(inside: number, told: number): void;
}

/** @returns one-way delay of each frame as it is handed on, in the order of handing on. */
function run(frames: readonly Arrival[], options: Options = {}) {
  const { maxHeldFrames = 8192, live = 0b11, again = -1, onHeld } = options;
  const output = { slots: new Int32Array(1 << 16), count: 0 };
  const resequencer = new Resequencer({ maxHoldMs: 500, maxHeldFrames }, new DuplicateFilter(), output);
  resequencer.repairMs = 400;
  resequencer.setLivePaths(live, 0);
  const out: { sequence: number; delayMs: number }[] = [];
  const collect = (nowMs: number) => {
    for (const sequence of output.slots.subarray(0, output.count)) out.push({ sequence, delayMs: nowMs - sequence });
    output.count = 0;
  };
  const runTo = (ms: number) => {
    while (resequencer.nextDeadlineMs <= ms) {
      const nowMs = resequencer.nextDeadlineMs;
      resequencer.onTimer(nowMs);
      collect(nowMs);
      if (resequencer.nextDeadlineMs <= nowMs) break;
    }
  };
  for (const [i, { sequence, sentMs, atMs }] of frames.entries()) {
    runTo(atMs);
    const sentAt = (sentMs * UNITS_PER_MS) & 0xffffff;
    if (sequence !== again) resequencer.onDelay(sequence & 1, sentAt, atMs);
    resequencer.push(sequence, FLOW, sequence, sequence & 1, sentAt, atMs, sequence === again);
    collect(atMs);
    onHeld?.(i + 1 - out.length, resequencer.heldFrames);
  }
  runTo(1e9);
  return out;
}

function spreadMs(out: readonly { delayMs: number }[]): number {
  const sorted = out.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
  return at(0.95) - at(0.05);
}

describe("frames over lines whose delay varies", () => {
  it.each([5, 20])("all take the same time, PDV %d ms", (pdvMs) => {
    const out = run(arrivals(6000, pdvMs)).slice(3000);
    expect(spreadMs(out)).toBeLessThan(pdvMs);
    const latestMs = Math.max(...out.map(({ delayMs }) => delayMs));
    expect(latestMs).toBeLessThan(MEAN_MS + 5.5 * pdvMs);
  });

  it("come out once each and in order", () => {
    const out = run(arrivals(3000, 12, 2));
    expect(out.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 3000 }, (_, i) => i));
  });

  it.each([64, 16, 1, 0])("are not more than may be held, of %d, and all come out", (maxHeldFrames) => {
    let mostHeld = 0;
    const onHeld = (inside: number, told: number) => {
      expect(told).toBe(inside);
      mostHeld = Math.max(mostHeld, inside);
    };
    const out = run(arrivals(3000, 20, 3), { maxHeldFrames, onHeld });
    expect(mostHeld).toBe(maxHeldFrames);
    expect(out.length).toBe(3000);
    // Holes are given up for want of room; nothing that waited is lost.
    expect(new Set(out.map(({ sequence }) => sequence)).size).toBe(3000);
  });

  it("do not wait longer when they were sent again", () => {
    const frames = arrivals(3000, 20, 4).filter(({ sequence }) => sequence !== 2500);
    const last = { sequence: 2500, sentMs: 2700, atMs: 2740 };
    const out = run(
      [...frames, last].sort((a, b) => a.atMs - b.atMs),
      { again: 2500 },
    );
    expect(out.find(({ sequence }) => sequence === 2500)?.delayMs).toBe(240);
  });
});

describe("frames that nobody has to wait for", () => {
  it("pass straight through steady lines", () => {
    const frames = arrivals(3000, 0.5, 5).map((frame) => ({ ...frame, atMs: Math.round(frame.atMs) }));
    const arrivedMs = new Map(frames.map(({ sequence, atMs }) => [sequence, atMs - sequence]));
    const out = run(frames);
    const waited = out.filter(({ sequence, delayMs }) => delayMs > (arrivedMs.get(sequence) ?? 0) + 2);
    expect(waited).toEqual([]);
  });

  it("pass straight through while a single path is live", () => {
    const frames = arrivals(2000, 20, 6).map(({ sequence }) => ({
      sequence,
      sentMs: sequence,
      atMs: sequence + MEAN_MS,
    }));
    const shaken = frames.map((frame, i) => ({ ...frame, sentMs: frame.sentMs - ((i * 37) % 30) }));
    expect(spreadMs(run(shaken, { live: 0b1 }))).toBe(0);
  });
});
