import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LossWatch, MOST_SPAN, ParityMaker, ParityStore } from "../../src/parity/index.ts";

const SLOT = 2048;
const SCRATCH = 64 * SLOT;
const COUNTERS_BEFORE = 1_000;

/** A sender's and a receiver's pool, and the plaintexts that go from one to the other. */
class Rig {
  readonly near = new Uint8Array(80 * SLOT);
  readonly far = new Uint8Array(80 * SLOT);
  readonly maker = new ParityMaker(this.near);
  readonly store = new ParityStore(this.far);
  next = COUNTERS_BEFORE;

  /** @returns the plaintext sent with the next counter; what follows it in its slot is not its own. */
  send(bytes: number, seed: number): { counter: number; plain: Uint8Array } {
    const at = seed % 2 === 0 ? 2 : 4;
    this.near.fill(0xee, 0, SLOT);
    for (let i = 0; i < bytes; i++) this.near[at + i] = (seed * 31 + i * 7) & 0xff;
    this.maker.cover(at, bytes, 0);
    return { counter: this.next++, plain: this.near.slice(at, at + bytes) };
  }

  receive(counter: number, plain: Uint8Array): number {
    this.far.fill(0x99, 0, SLOT);
    const at = counter % 3 === 0 ? 2 : 4;
    this.far.set(plain, at);
    return this.store.note(counter, at, plain.length);
  }

  /** @returns the group that can be solved. */
  receiveParity(): number {
    const { span, lengths } = this.maker;
    const bytes = this.maker.take(SCRATCH, 0);
    this.far.set(this.near.subarray(SCRATCH, SCRATCH + bytes), 6);
    return this.store.addParity(this.next++, span, lengths, 6, bytes);
  }

  solve(group: number): { counter: number; plain: Uint8Array } {
    const bytes = this.store.solve(group, SCRATCH);
    return { counter: this.store.solvedCounter, plain: this.far.slice(SCRATCH, SCRATCH + bytes) };
  }
}

describe("a group that is too old and may not cost anything yet", () => {
  it("is forgone, and earns nothing for the next one", () => {
    const maker = new ParityMaker(new Uint8Array(80 * SLOT));
    let nowMs = 0;
    const cover = () => {
      nowMs += 20;
      maker.cover(2, 1_000, nowMs);
    };
    cover();
    expect(maker.isOlder(40, nowMs + 1_000)).toBe(false);
    while (maker.take(SCRATCH, nowMs) > 0) cover();
    cover();
    const firstMs = nowMs;
    cover();
    cover();
    expect([maker.isOlder(40, firstMs + 40), maker.isOlder(40, firstMs + 41)]).toEqual([false, true]);
    maker.forgo();
    expect(maker.isOlder(40, firstMs + 1_000)).toBe(false);
    const framesUntilDue = () => {
      let count = 0;
      for (; maker.dueMs === Number.POSITIVE_INFINITY; count++) {
        if (maker.isOlder(40, nowMs)) maker.forgo();
        cover();
      }
      return count;
    };
    framesUntilDue();
    expect(maker.take(SCRATCH, nowMs)).toBe(1_000);
    // What 1000 bytes cost comes of the 8 kbit/s, in a second of 50 frames, and not of the frames: that would be 19.
    expect(framesUntilDue()).toBeGreaterThan(40);
  });
});

describe("parity", () => {
  it("makes the one that is missing, whatever the sizes and the order", () => {
    const sizes = fc.array(fc.integer({ min: 8, max: 1_500 }), { minLength: 1, maxLength: MOST_SPAN });
    fc.assert(
      fc.property(sizes, fc.nat(), fc.boolean(), (lengths, pick, isParityFirst) => {
        const rig = new Rig();
        const sent = lengths.map((bytes, i) => rig.send(bytes, i + 1));
        const missing = sent[pick % sent.length];
        const others = sent.filter((each) => each !== missing);
        let group = isParityFirst ? rig.receiveParity() : -1;
        for (const { counter, plain } of others.reverse()) group = Math.max(group, rig.receive(counter, plain));
        if (!isParityFirst) group = rig.receiveParity();
        expect(group).toBeGreaterThanOrEqual(0);
        expect(rig.solve(group)).toEqual(missing);
      }),
    );
  });

  it("waits for one that was only late, and makes nothing of what is complete", () => {
    const rig = new Rig();
    const [a, b, c] = [rig.send(100, 1), rig.send(200, 2), rig.send(300, 3)];
    rig.receive(a.counter, a.plain);
    expect(rig.receiveParity()).toBe(-1);
    const group = rig.receive(c.counter, c.plain);
    expect(rig.solve(group)).toEqual(b);
    expect(rig.receive(b.counter, b.plain)).toBe(-1);
    expect(rig.store.counters).toEqual({ solved: 1, givenUp: 0 });
    const d = rig.send(50, 4);
    rig.receive(d.counter, d.plain);
    expect(rig.receiveParity()).toBe(-1);
  });

  it("knows a missing control datagram from a frame", () => {
    const rig = new Rig();
    const a = rig.send(100, 1);
    rig.send(0, 0);
    rig.receive(a.counter, a.plain);
    expect(rig.solve(rig.receiveParity()).plain).toHaveLength(0);
  });

  it("gives up groups that lack more than one, and stays within its places", () => {
    const rig = new Rig();
    for (let group = 0; group < 100; group++) {
      for (let i = 0; i < 4; i++) rig.send(60, i);
      expect(rig.receiveParity()).toBe(-1);
    }
    expect(rig.store.counters).toEqual({ solved: 0, givenUp: 84 });
  });

  it("is dense at the start, and again after a long pause: groups of a dozen while enough is saved up", () => {
    const { maker } = new Rig();
    const groupAt = (nowMs: number): number => {
      for (let count = 1; count <= MOST_SPAN; count++) {
        maker.cover(0, 1_400, nowMs);
        if (maker.dueMs <= nowMs) {
          maker.take(SCRATCH, nowMs);
          return count;
        }
      }
      return Number.NaN;
    };
    expect(groupAt(0)).toBe(12);
    for (let i = 0; i < 500; i++) groupAt(1);
    expect(groupAt(2)).toBeGreaterThan(24);
    expect(groupAt(120_000)).toBe(12);
  });

  it("costs a thirtieth of what it covers once what was saved up is spent", () => {
    const rig = new Rig();
    let parityBytes = 0;
    const frames = 30_000;
    for (let i = 0; i < frames; i++) {
      if (rig.maker.dueMs <= i) parityBytes += rig.maker.take(SCRATCH, i);
      rig.maker.cover(2, 1_400, i);
    }
    expect(parityBytes).toBeGreaterThan((frames * 1_400) / 40);
    expect(parityBytes).toBeLessThan((frames * 1_400) / 30 + 150_000 + frames);
  });

  it.each([1_569, 65_535])("is not shaken by a plaintext of %i bytes", (bytes) => {
    const rig = new Rig();
    rig.send(100, 1);
    rig.maker.cover(2, bytes, 0);
    expect(rig.maker.take(SCRATCH, 0)).toBe(0);
    expect(rig.store.note(5, 4, bytes)).toBe(-1);
    expect(rig.store.addParity(50, 4, 0, 4, bytes)).toBe(-1);
    expect(rig.store.addParity(3, 4, 0, 4, 100)).toBe(-1);
  });
});

describe("whether a line is lossy", () => {
  function watch(reports: number, lostOf: (report: number) => number): LossWatch {
    const losses = new LossWatch();
    let missing = 0;
    for (let report = 1; report <= reports; report++) {
      missing += lostOf(report);
      losses.onReport(report * 300, missing);
    }
    return losses;
  }

  it("is one that loses single datagrams", () => {
    expect(watch(100, (report) => report % 2).isLossy).toBe(true);
    expect(watch(100, () => 6).isLossy).toBe(true);
  });

  it("is not one without loss, with a rare one, or with a queue that overflowed once", () => {
    expect(watch(100, () => 0).isLossy).toBe(false);
    expect(watch(100, (report) => (report === 50 ? 1 : 0)).isLossy).toBe(false);
    expect(watch(100, (report) => (report === 50 ? 200 : 0)).isLossy).toBe(false);
  });

  it("is not one that reorders: what is missing for a moment comes", () => {
    const losses = new LossWatch();
    for (let report = 1; report <= 100; report++) losses.onReport(report * 300, (report * 7) % 20);
    expect(losses.isLossy).toBe(false);
  });

  it("ends when the loss does", () => {
    expect(watch(200, (report) => (report < 50 ? 3 : 0)).isLossy).toBe(false);
  });
});
