import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PathMtuSearch } from "../../src/link/index.ts";
import { seeded } from "./simulated-line.ts";

const RTT_MS = 60;

/** A path that swallows IP packets above its MTU, and some others. */
class NarrowPath {
  nowMs = 0;
  answering = true;
  mtuBytes: number;
  lossRatio = 0;
  readonly log: string[] = [];
  readonly search: PathMtuSearch;
  readonly #acks: { atMs: number; probeId: number; sizeBytes: number }[] = [];

  constructor(maxBytes: number, mtuBytes: number, seed = 1) {
    this.mtuBytes = mtuBytes;
    const random = seeded(seed);
    const sink = {
      sendMtuProbe: (probeId: number, sizeBytes: number) => {
        this.log.push(`${Math.round(this.nowMs)} probe ${sizeBytes}`);
        if (!this.answering || sizeBytes > this.mtuBytes || random() < this.lossRatio) return;
        this.#acks.push({ atMs: this.nowMs + RTT_MS, probeId, sizeBytes });
      },
      plpmtuChanged: (plpmtuBytes: number, reason: string) =>
        this.log.push(`${Math.round(this.nowMs)} plpmtu ${plpmtuBytes}: ${reason}`),
    };
    this.search = new PathMtuSearch({ maxBytes }, sink, 0);
  }

  get probeCount(): number {
    return this.log.filter((line) => line.includes("probe")).length;
  }

  run(untilMs: number): void {
    while (true) {
      const ack = this.#acks[0];
      const nextMs = Math.min(ack?.atMs ?? Number.POSITIVE_INFINITY, this.search.nextDeadlineMs);
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (ack !== undefined && ack.atMs <= this.nowMs) {
        this.#acks.shift();
        this.search.onMtuAck(ack.probeId, ack.sizeBytes, this.nowMs);
      }
      this.search.onTimer(this.nowMs, RTT_MS, this.answering);
    }
    this.nowMs = untilMs;
  }
}

describe("PathMtuSearch", () => {
  it("finds the usual case with one probe", () => {
    const path = new NarrowPath(1500, 1500);
    expect(path.search.plpmtuBytes).toBe(1200);
    path.run(10_000);
    expect(path.log).toMatchInlineSnapshot(`
      [
        "0 probe 1500",
        "60 plpmtu 1500: searched",
      ]
    `);
  });

  it("finds a PPPoE line: the largest, the base, then by bisection", () => {
    const path = new NarrowPath(1500, 1492);
    path.run(10_000);
    expect(path.log).toMatchInlineSnapshot(`
      [
        "0 probe 1500",
        "200 probe 1500",
        "400 probe 1500",
        "600 probe 1200",
        "660 probe 1420",
        "720 probe 1460",
        "780 probe 1480",
        "840 probe 1492",
        "900 plpmtu 1492: searched",
      ]
    `);
  });

  it.each([576, 600, 1024, 1200, 1280, 1340, 1400, 1420, 1480, 1492, 1500])(
    "finds the largest usual size for %i within 10 s",
    (mtuBytes) => {
      const path = new NarrowPath(1500, mtuBytes);
      path.run(10_000);
      expect(path.search.searching).toBe(false);
      expect(path.search.plpmtuBytes).toBeLessThanOrEqual(mtuBytes);
      expect(mtuBytes - path.search.plpmtuBytes).toBeLessThan(60);
    },
  );

  it("never settles above what works, and mostly on it, with 20 % loss", () => {
    let found = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const path = new NarrowPath(1500, 1420, seed);
      path.lossRatio = 0.2;
      path.run(20_000);
      expect(path.search.plpmtuBytes).toBeLessThanOrEqual(1420);
      if (path.search.plpmtuBytes === 1420) found++;
    }
    expect(found).toBeGreaterThan(170);
  });

  it("starts no lower than the interface, and takes its MTU if that is odd", () => {
    expect(new NarrowPath(900, 900).search.plpmtuBytes).toBe(900);
    const path = new NarrowPath(1434, 1500);
    path.run(10_000);
    expect(path.search.plpmtuBytes).toBe(1434);
  });

  it("believes the kernel at once", () => {
    const path = new NarrowPath(1500, 1400);
    path.run(0);
    path.search.onTooBig(1500, path.nowMs);
    path.run(200);
    expect(path.log.slice(0, 3)).toMatchInlineSnapshot(`
      [
        "0 probe 1500",
        "0 probe 1200",
        "60 probe 1420",
      ]
    `);
    path.run(10_000);
    path.mtuBytes = 1340;
    path.search.onTooBig(1400, path.nowMs);
    expect(path.search.plpmtuBytes).toBe(1200);
    path.run(20_000);
    expect(path.search.plpmtuBytes).toBe(1340);
  });

  it("leaves a size that became a black hole, and settles on what is left", () => {
    const path = new NarrowPath(1500, 1500);
    path.run(10_000);
    path.mtuBytes = 1400;
    path.search.suspect(path.nowMs);
    path.run(10_800);
    expect(path.search.plpmtuBytes).toBe(1200);
    path.run(20_000);
    expect(path.search.plpmtuBytes).toBe(1400);
    expect(path.log.slice(2)).toMatchInlineSnapshot(`
      [
        "10000 probe 1500",
        "10200 probe 1500",
        "10400 probe 1500",
        "10600 plpmtu 1200: black-hole",
        "10600 probe 1200",
        "10660 probe 1420",
        "10860 probe 1420",
        "11060 probe 1420",
        "11260 probe 1358",
        "11320 probe 1372",
        "11380 probe 1400",
        "11440 plpmtu 1400: searched",
      ]
    `);
  });

  it("pays one probe for a suspicion that is wrong, and only now and then", () => {
    const path = new NarrowPath(1500, 1500);
    path.run(10_000);
    const before = path.probeCount;
    for (let ms = 10_000; ms < 20_000; ms += 100) {
      path.search.suspect(ms);
      path.run(ms + 100);
    }
    expect(path.probeCount - before).toBe(2);
    expect(path.search.plpmtuBytes).toBe(1500);
  });

  it("waits while the path does not answer at all", () => {
    const path = new NarrowPath(1500, 1500);
    path.run(1000);
    path.answering = false;
    path.search.suspect(path.nowMs);
    path.run(60_000);
    expect(path.search.plpmtuBytes).toBe(1500);
    expect(path.probeCount).toBeLessThanOrEqual(3);
    path.answering = true;
    path.run(70_000);
    expect(path.search.plpmtuBytes).toBe(1500);
  });

  it("looks for a larger size every ten minutes", () => {
    const path = new NarrowPath(1500, 1400);
    path.run(60_000);
    expect(path.search.plpmtuBytes).toBe(1400);
    path.mtuBytes = 1500;
    path.run(590_000);
    expect(path.search.plpmtuBytes).toBe(1400);
    path.run(601_000);
    expect(path.search.plpmtuBytes).toBe(1500);
  });

  it("takes no answer from before a restart for one of the new path", () => {
    const path = new NarrowPath(1500, 1500);
    path.run(10);
    path.mtuBytes = 1280;
    path.search.restart(1500, path.nowMs);
    path.run(10_000);
    expect(path.search.plpmtuBytes).toBe(1280);
  });

  it("stays within its limits whatever it is told", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("ack" as const),
        id: fc.integer({ min: -1, max: 40 }),
        size: fc.constantFrom(576, 1200, 1400, 1500, 9000),
      }),
      fc.record({
        kind: fc.constantFrom("too-big" as const, "restart" as const),
        id: fc.constant(0),
        size: fc.integer({ min: 576, max: 1600 }),
      }),
      fc.record({
        kind: fc.constantFrom("suspect" as const, "timer" as const),
        id: fc.constant(0),
        size: fc.constant(0),
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat(5000), fc.boolean())), (steps) => {
        let nowMs = 0;
        let maxBytes = 1500;
        const sizes: number[] = [];
        const search = new PathMtuSearch(
          { maxBytes },
          { sendMtuProbe: (_id, size) => sizes.push(size), plpmtuChanged: () => {} },
          0,
        );
        for (const [{ kind, id, size }, gapMs, answering] of steps) {
          nowMs += gapMs;
          if (kind === "ack") search.onMtuAck(id, size, nowMs);
          else if (kind === "too-big") search.onTooBig(size, nowMs);
          else if (kind === "restart") {
            maxBytes = size;
            search.restart(size, nowMs);
          } else if (kind === "suspect") search.suspect(nowMs);
          search.onTimer(nowMs, Number.NaN, answering);
          const sent = sizes.length;
          search.onTimer(nowMs, Number.NaN, answering);
          expect(sizes.length).toBe(sent);
          expect(search.plpmtuBytes).toBeLessThanOrEqual(maxBytes);
          expect(search.plpmtuBytes).toBeGreaterThanOrEqual(Math.min(576, maxBytes));
          expect(search.nextDeadlineMs).toBeGreaterThan(nowMs);
        }
      }),
    );
  });
});
