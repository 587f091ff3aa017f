import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Reassembler } from "../../src/reseq/index.ts";

const SLOT_BYTES = 2048;
const HEADROOM = 14;
const SLOTS = 8;
const MAX_PARTIAL = 4;
/** Fragments lie behind the slots of the pool, as received. */
const ARRIVAL = SLOTS * SLOT_BYTES;

const pool = new Uint8Array(ARRIVAL + SLOT_BYTES);
let free: number[] = [];
let reassembler = new Reassembler(pool, { take: () => -1, give: () => {}, frameOffset: () => 0 }, config());

function config() {
  return { headroom: HEADROOM, maxPartial: MAX_PARTIAL, timeoutMs: 2000 };
}

function frameOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13 + (i >> 8)) & 0xff);
}

function push(frame: Uint8Array, start: number, end: number, sequence = 1, nowMs = 0, flowSlot = 0): number {
  pool.set(frame.subarray(start, end), ARRIVAL);
  return reassembler.push(flowSlot, sequence, start, frame.length, ARRIVAL, end - start, nowMs);
}

function contents(slot: number): Uint8Array {
  const at = slot * SLOT_BYTES + HEADROOM;
  return pool.slice(at, at + reassembler.completedBytes);
}

beforeEach(() => {
  free = Array.from({ length: SLOTS }, (_, slot) => slot);
  reassembler = new Reassembler(
    pool,
    { take: () => free.pop() ?? -1, give: (slot) => free.push(slot), frameOffset: (slot) => slot * SLOT_BYTES },
    config(),
  );
});

describe("Reassembler", () => {
  it("joins any cut in any order, copies among them, to the same bytes", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 1499 }), { minLength: 1, maxLength: 7 });
    const order = fc.infiniteStream(fc.nat(1000));
    fc.assert(
      fc.property(cuts, order, fc.nat(255), fc.nat(0xffffff), (points, shuffle, flowSlot, sequence) => {
        const frame = frameOf(1500, sequence);
        const edges = [0, ...points.sort((a, b) => a - b), 1500];
        const pieces = points.map((point, i) => [point, edges[i + 2] ?? 1500] as const);
        const twice = [[0, edges[1] ?? 0] as const, ...pieces].flatMap((piece) => [piece, piece]);
        const shuffled = twice.map((piece) => ({ piece, key: shuffle.next().value ?? 0 }));
        shuffled.sort((a, b) => a.key - b.key);
        const completed = shuffled
          .map(({ piece: [start, end] }) => push(frame, start, end, sequence, 0, flowSlot))
          .filter((slot) => slot >= 0);
        expect(completed).toHaveLength(1);
        expect(contents(completed[0] ?? 0)).toEqual(frame);
        free.push(completed[0] ?? 0);
        expect(free).toHaveLength(SLOTS);
        reassembler.reset();
      }),
    );
    expect(reassembler.counters.refused).toBe(0);
  });

  it("keeps frames of other flow slots and sequences apart", () => {
    const [a, b, c] = [frameOf(1500, 1), frameOf(1500, 2), frameOf(1400, 3)];
    push(a, 0, 700, 5);
    push(b, 0, 700, 6);
    push(c, 0, 700, 5, 0, 9);
    const first = push(b, 700, 1500, 6);
    expect(contents(first)).toEqual(b);
    const second = push(c, 700, 1400, 5, 0, 9);
    expect(contents(second)).toEqual(c);
    const third = push(a, 700, 1500, 5);
    expect(contents(third)).toEqual(a);
  });

  it("does not begin a frame again that was completed", () => {
    const frame = frameOf(1500);
    push(frame, 0, 700);
    free.push(push(frame, 700, 1500));
    expect(push(frame, 0, 700)).toBe(-1);
    expect(push(frame, 700, 1500)).toBe(-1);
    expect(free).toHaveLength(SLOTS);
    expect(reassembler.counters).toMatchObject({ completed: 1, duplicates: 2 });
  });

  it.each([
    ["nothing in it", 0, 1500, 0],
    ["beyond the end", 1000, 1500, 501],
    ["the whole frame", 0, 1500, 1500],
    ["a frame longer than any", 0, 1523, 700],
    ["overlap in front", 600, 1500, 200],
    ["overlap inside", 100, 1500, 100],
    ["overlap all over", 0, 1500, 800],
    ["another length of the frame", 700, 1400, 700],
  ])("refuses %s and still completes the frame", (_, offset, total, length) => {
    const frame = frameOf(1500);
    push(frame, 0, 700);
    expect(reassembler.push(0, 1, offset, total, ARRIVAL, length, 0)).toBe(-1);
    expect(reassembler.counters.refused).toBe(1);
    expect(contents(push(frame, 700, 1500))).toEqual(frame);
  });

  it("gives a frame up after its time, and its slot back", () => {
    push(frameOf(1500), 0, 700, 1, 100);
    push(frameOf(1500), 0, 700, 2, 600);
    expect(reassembler.nextDeadlineMs).toBe(2100);
    reassembler.onTimer(2099);
    expect(free).toHaveLength(SLOTS - 2);
    reassembler.onTimer(2100);
    expect(free).toHaveLength(SLOTS - 1);
    expect(reassembler.nextDeadlineMs).toBe(2600);
    reassembler.onTimer(2600);
    expect(free).toHaveLength(SLOTS);
    expect(reassembler.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
    expect(reassembler.counters.timedOut).toBe(2);
    // Its late end starts it anew, and is no more than another that times out.
    push(frameOf(1500), 700, 1500, 1, 2700);
    expect(free).toHaveLength(SLOTS - 1);
  });

  it("keeps at most its number of frames: the oldest makes room", () => {
    for (let sequence = 0; sequence <= MAX_PARTIAL; sequence++) push(frameOf(1500), 0, 700, sequence, sequence);
    expect(free).toHaveLength(SLOTS - MAX_PARTIAL);
    expect(reassembler.counters.evicted).toBe(1);
    expect(push(frameOf(1500), 700, 1500, 1, 10)).toBeGreaterThanOrEqual(0);
    expect(push(frameOf(1500), 700, 1500, 0, 10)).toBe(-1);
  });

  it("does without when no slot is free", () => {
    free = [];
    expect(push(frameOf(1500), 0, 700)).toBe(-1);
    expect(reassembler.counters.noSlot).toBe(1);
    reassembler.onTimer(10_000);
    free = [3];
    push(frameOf(1500), 0, 700);
    expect(push(frameOf(1500), 700, 1500)).toBe(3);
  });

  it("gives up the oldest where others need the room, and no more than it must", () => {
    for (let sequence = 0; sequence < 3; sequence++) push(frameOf(1500), 0, 700, sequence, sequence);
    reassembler.holdAtMost(1);
    expect(reassembler.partialFrames).toBe(1);
    expect(reassembler.counters.evicted).toBe(2);
    expect(free).toHaveLength(SLOTS - 1);
    expect(push(frameOf(1500), 700, 1500, 2, 10)).toBeGreaterThanOrEqual(0);
    expect(reassembler.partialFrames).toBe(0);
    reassembler.holdAtMost(-5);
    expect(reassembler.counters.evicted).toBe(2);
  });
});
