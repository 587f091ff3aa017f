import { describe, expect, it } from "vitest";
import { normalRandom, seededRandom } from "../../../../test/support/random.ts";
import { LineSteadiness } from "../../src/reseq/line-steadiness.ts";

const UNITS_PER_MS = 250;

interface Line {
  readonly meanMs: number;
  readonly pdvMs: number;
  readonly framesPerMs: number;
}

/** Lets frames come over lines for a while. @returns one-way delay that all are made to take; NaN: any. */
function targetMs(lines: readonly Line[], steadiness = new LineSteadiness(), fromMs = 0): number {
  const normal = normalRandom(seededRandom(3));
  for (let nowMs = fromMs; nowMs < fromMs + 5_000; nowMs += 5) {
    for (const [path, { meanMs, pdvMs, framesPerMs }] of lines.entries()) {
      const delayMs = meanMs + pdvMs * normal();
      for (let i = 0; i < 5 * framesPerMs; i++) steadiness.onArrival(path, sentAt(nowMs - delayMs), nowMs);
    }
  }
  return steadiness.steady.target / UNITS_PER_MS;
}

function sentAt(ms: number): number {
  return Math.floor(ms * UNITS_PER_MS) & 0xffffff;
}

describe("the time that all frames take", () => {
  it("is any where the fastest line is steady", () => {
    expect(
      targetMs([
        { meanMs: 20, pdvMs: 0, framesPerMs: 1 },
        { meanMs: 45, pdvMs: 15, framesPerMs: 1 },
      ]),
    ).toBeNaN();
  });

  it("is a slower line's if that carries enough to be worth it, and the fastest line's if not", () => {
    const fast = { meanMs: 35, pdvMs: 8, framesPerMs: 2 };
    const alone = targetMs([fast]);
    expect(alone).toBeGreaterThan(45);
    expect(alone).toBeLessThan(65);
    expect(targetMs([fast, { meanMs: 50, pdvMs: 25, framesPerMs: 6 }])).toBeGreaterThan(95);
    expect(targetMs([fast, { meanMs: 50, pdvMs: 25, framesPerMs: 1 }])).toBeLessThan(alone + 5);
  });

  it("is remembered while nothing comes for half a minute: a connection that begins then is not misled", () => {
    const steadiness = new LineSteadiness();
    const before = targetMs([{ meanMs: 20, pdvMs: 20, framesPerMs: 1 }], steadiness);
    const nowMs = 35_000;
    steadiness.onArrival(0, sentAt(nowMs - 2), nowMs);
    const waitMs = steadiness.waitMs(steadiness.steady, sentAt(nowMs - 2), nowMs);
    expect(waitMs).toBeGreaterThan(before - 2 - 15);
  });

  it("is not that of a line that left, from then on, and is again when it is back", () => {
    const near = { meanMs: 20, pdvMs: 5, framesPerMs: 3 };
    const far = { meanMs: 120, pdvMs: 5, framesPerMs: 1 };
    const steadiness = new LineSteadiness();
    expect(targetMs([near, far], steadiness)).toBeLessThan(40);
    steadiness.setLive(0b10);
    const nowMs = 5_100;
    steadiness.onArrival(1, sentAt(nowMs - 120), nowMs);
    expect(steadiness.steady.target / UNITS_PER_MS).toBeGreaterThan(125);
    steadiness.setLive(0b11);
    steadiness.onArrival(1, sentAt(nowMs + 100 - 120), nowMs + 100);
    expect(steadiness.steady.target / UNITS_PER_MS).toBeLessThan(40);
  });
});

describe("the time that frames of even flows take", () => {
  const near = { meanMs: 20, pdvMs: 0, framesPerMs: 2 };
  const far = { meanMs: 120, pdvMs: 0, framesPerMs: 2 };

  function evenOf(lines: readonly Line[], mostMs: number): LineSteadiness {
    const steadiness = new LineSteadiness(mostMs);
    targetMs(lines, steadiness);
    return steadiness;
  }

  it("is the slowest line's, where lines are steady, too; others take what their line takes", () => {
    const steadiness = evenOf([near, far], 500);
    expect(steadiness.even.target / UNITS_PER_MS).toBeCloseTo(120, 0);
    expect(steadiness.waitMs(steadiness.even, sentAt(6_000 - 20), 6_000)).toBeCloseTo(100, 0);
    expect(steadiness.waitMs(steadiness.steady, sentAt(6_000 - 20), 6_000)).toBe(0);
    expect([steadiness.steady.paths, steadiness.even.paths]).toEqual([0, 0b11]);
  });

  it("is a part of that where only little comes so late: a connection begins sooner", () => {
    const mostly = (framesPerMs: number) =>
      evenOf(
        [
          { ...near, framesPerMs: 10 },
          { ...far, framesPerMs },
        ],
        500,
      ).even;
    const targetOf = ({ target }: { target: number }) => target / UNITS_PER_MS;
    expect(mostly(1).paths).toBe(0b11);
    expect(targetOf(mostly(1))).toBeCloseTo(20 + 0.4 * 100, 0);
    expect(targetOf(mostly(2.4))).toBeGreaterThan(20 + 0.5 * 100);
    expect(targetOf(mostly(2.4))).toBeLessThan(20 + 0.7 * 100);
    expect(targetOf(mostly(6))).toBeCloseTo(120, 0);
  });

  it("counts all lines that are so late together", () => {
    const lines = [
      { ...near, framesPerMs: 6 },
      { ...far, framesPerMs: 1 },
      { ...far, framesPerMs: 1 },
      { ...far, framesPerMs: 1 },
    ];
    expect(evenOf(lines, 500).even.target / UNITS_PER_MS).toBeCloseTo(120, 0);
  });

  it("leaves out a line that is further behind than the longest wait, or carries too little for that", () => {
    expect(evenOf([near, far], 90).even.paths).toBe(0b01);
    expect(evenOf([near, { ...far, framesPerMs: 0.2 }], 500).even.paths).toBe(0b11);
    expect(
      evenOf(
        [
          { ...near, framesPerMs: 10 },
          { ...far, framesPerMs: 0.2 },
        ],
        500,
      ).even.paths,
    ).toBe(0b01);
  });

  it("leaves hardly a frame out where the lines vary: one that is late holds up all that is behind it", () => {
    const steadiness = evenOf([{ ...near, pdvMs: 8 }], 500);
    expect(steadiness.even.target / UNITS_PER_MS).toBeGreaterThan(steadiness.steady.target / UNITS_PER_MS + 5);
    expect(steadiness.even.target / UNITS_PER_MS).toBeLessThan(20 + 5 * 8);
  });

  it("stays that of a line of varying delay when it was full, for a connection that begins later", () => {
    const light = { meanMs: 60, pdvMs: 4, framesPerMs: 2 };
    const full = { meanMs: 120, pdvMs: 1, framesPerMs: 2 };
    const steadiness = evenOf([light], 500);
    targetMs([full], steadiness, 5_000);
    targetMs([full], steadiness, 10_000);
    for (const fromMs of [15_000, 20_000, 25_000]) targetMs([light], steadiness, fromMs);
    expect(steadiness.steady.target / UNITS_PER_MS).toBeLessThan(85);
    expect(steadiness.even.target / UNITS_PER_MS).toBeGreaterThan(105);

    steadiness.setLive(0);
    steadiness.setLive(1);
    targetMs([light], steadiness, 30_000);
    expect(steadiness.even.target / UNITS_PER_MS).toBeLessThan(85);
  });

  it("waits for what a line that carries little may be late by only a little", () => {
    const light = { meanMs: 60, pdvMs: 8, framesPerMs: 0.2 };
    const lines = (second: Line) => [{ ...near, framesPerMs: 4 }, second];
    const steadiness = evenOf(lines(light), 500);
    const before = steadiness.even.target / UNITS_PER_MS;
    for (const fromMs of [5_000, 10_000]) targetMs(lines({ ...light, meanMs: 140, pdvMs: 1 }), steadiness, fromMs);
    for (const fromMs of [15_000, 20_000, 25_000]) targetMs(lines(light), steadiness, fromMs);
    expect(steadiness.even.target / UNITS_PER_MS - before).toBeLessThan(15);
  });

  it("is not remembered of a line that is steady: a queue that was there once is gone", () => {
    const steadiness = evenOf([{ ...near, meanMs: 60 }], 500);
    targetMs([{ ...near, meanMs: 20 }], steadiness, 5_000);
    for (const fromMs of [10_000, 15_000, 20_000]) targetMs([near], steadiness, fromMs);
    expect(steadiness.even.target / UNITS_PER_MS).toBeLessThan(25);
  });

  it("tells of the lines that come in time for the others, where lines vary", () => {
    const lines = [
      { ...near, pdvMs: 5 },
      { ...near, meanMs: 22, pdvMs: 5 },
      { ...far, pdvMs: 5 },
    ];
    const { steady, even } = evenOf(lines, 500);
    expect([steady.paths, even.paths]).toEqual([0b011, 0b111]);
  });
});

describe("the time that paced frames take", () => {
  const near = { meanMs: 30, pdvMs: 5, framesPerMs: 2 };

  it("is the soonest line's, though slower ones are worth the wait of others, and less of its variation", () => {
    const steadiness = new LineSteadiness();
    targetMs([near, { meanMs: 45, pdvMs: 8, framesPerMs: 2 }], steadiness);
    expect(steadiness.steady.target / UNITS_PER_MS).toBeGreaterThan(55);
    const paced = steadiness.paced.target / UNITS_PER_MS;
    expect(paced).toBeGreaterThan(30 + 5);
    expect(paced).toBeLessThan(targetMs([near]));
  });

  it("is any where the soonest line is steady", () => {
    const steadiness = new LineSteadiness();
    targetMs(
      [
        { ...near, pdvMs: 0 },
        { meanMs: 45, pdvMs: 8, framesPerMs: 2 },
      ],
      steadiness,
    );
    expect(steadiness.paced.target).toBeNaN();
  });
});
