import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DroppedSlots, FqCodel, QUEUE_DROP_REASONS } from "../../src/aggregate/fq-codel.ts";
import { FrameTable } from "../../src/aggregate/frame-table.ts";

const SLOTS = 512;

/** A queue whose frames get the packet slots 0, 1, 2 ... */
function makeQueue(marker = { markCe: (_slot: number): boolean => false }) {
  const slots = new FrameTable(SLOTS);
  const dropped = new DroppedSlots(SLOTS);
  const queue = new FqCodel(slots, dropped, marker);
  let nextSlot = 0;
  const fill = (flow: number, count: number, bytes: number, nowMs = 0): number[] =>
    Array.from({ length: count }, () => {
      queue.enqueue(nextSlot, flow, bytes, nowMs);
      return nextSlot++;
    });
  const takeDropped = (): [slot: number, reason: string][] => {
    const taken = Array.from({ length: dropped.count }, (_, i): [number, string] => [
      dropped.slots[i] ?? -1,
      QUEUE_DROP_REASONS[dropped.reasons[i] ?? -1] ?? "",
    ]);
    dropped.count = 0;
    return taken;
  };
  return { queue, slots, fill, takeDropped };
}

function drain(queue: FqCodel, nowMs: number): number[] {
  const out: number[] = [];
  for (let slot = queue.dequeue(nowMs); slot >= 0; slot = queue.dequeue(nowMs)) out.push(slot);
  return out;
}

describe("the order of flows", () => {
  it("gives flows that always have something to send the same bytes, whatever the size of their frames", () => {
    const { queue, slots, fill } = makeQueue();
    const big = new Set(fill(1, 60, 1400));
    const small = new Set(fill(2, 200, 120));
    const sent = { big: 0, small: 0 };
    for (let i = 0; i < 150; i++) {
      const slot = queue.dequeue(1);
      if (big.has(slot)) sent.big += slots.bytes[slot] ?? 0;
      if (small.has(slot)) sent.small += slots.bytes[slot] ?? 0;
    }
    expect(queue.flowPackets(1)).toBeGreaterThan(0);
    expect(queue.flowPackets(2)).toBeGreaterThan(0);
    expect(Math.abs(sent.big - sent.small)).toBeLessThan(2 * 1514);
  });

  it("lets the first frame of a flow pass everything that waits", () => {
    const { queue, fill } = makeQueue();
    fill(1, 200, 1400);
    queue.dequeue(1);
    queue.dequeue(1);
    const [ping] = fill(7, 1, 100, 1);
    expect(queue.peekFlow()).toBe(7);
    expect(queue.peek()).toBe(ping);
    expect(queue.dequeue(1)).toBe(ping);
  });

  it("does not let a flow be new for ever: one frame at a time gets no more than its share", () => {
    const { queue, slots, fill } = makeQueue();
    const bulk = new Set(fill(1, 100, 1400));
    fill(2, 1, 1400);
    const sent = { bulk: 0, other: 0 };
    for (let i = 0; i < 60; i++) {
      const slot = queue.dequeue(1);
      if (bulk.has(slot)) sent.bulk += slots.bytes[slot] ?? 0;
      else {
        sent.other += slots.bytes[slot] ?? 0;
        fill(2, 1, 1400, 1);
      }
    }
    expect(sent.bulk).toBeGreaterThanOrEqual(sent.other - 2 * 1514);
  });

  it("keeps each flow in order and loses no frame, whatever happens", () => {
    const action = fc.oneof(
      fc.record({ flow: fc.integer({ min: 0, max: 5 }), bytes: fc.integer({ min: 40, max: 1500 }) }),
      fc.record({ dequeue: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ passMs: fc.integer({ min: 1, max: 90 }) }),
      fc.record({ limit: fc.integer({ min: 0, max: 40 }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const { queue, fill, takeDropped } = makeQueue({ markCe: (slot) => slot % 3 === 0 });
        const flowOf = new Map<number, number>();
        const newest = new Map<number, number>();
        const gone = new Set<number>();
        const leave = (slot: number): void => {
          expect(gone.has(slot)).toBe(false);
          gone.add(slot);
          const flow = flowOf.get(slot) ?? -1;
          expect(slot).toBeGreaterThan(newest.get(flow) ?? -1);
          newest.set(flow, slot);
        };
        let nowMs = 0;
        for (const step of actions) {
          if ("passMs" in step) nowMs += step.passMs;
          if ("limit" in step) queue.packetLimit = step.limit;
          if ("flow" in step) {
            flowOf.set(flowOf.size, step.flow);
            fill(step.flow, 1, step.bytes, nowMs);
            for (const [slot] of takeDropped()) leave(slot);
            expect(queue.packets).toBeLessThanOrEqual(queue.packetLimit);
          }
          for (let i = 0; "dequeue" in step && i < step.dequeue; i++) {
            const flow = queue.peekFlow();
            const next = queue.peek();
            const slot = queue.dequeue(nowMs);
            const dropped = takeDropped();
            for (const [lost] of dropped) leave(lost);
            if (dropped.length === 0) expect([flow, next]).toEqual([flowOf.get(slot) ?? -1, slot]);
            if (slot >= 0) leave(slot);
          }
          expect(queue.packets).toBe(flowOf.size - gone.size);
        }
        queue.clear();
        for (const [slot] of takeDropped()) leave(slot);
        expect(gone.size).toBe(flowOf.size);
        expect([queue.packets, queue.bytes, queue.peekFlow(), queue.dequeue(nowMs)]).toEqual([0, 0, -1, -1]);
        for (let flow = 0; flow < 6; flow++) expect([queue.flowPackets(flow), queue.flowBytes(flow)]).toEqual([0, 0]);
      }),
    );
  });
});

describe("limits", () => {
  it("takes the oldest frame of the flow with the most bytes when there are too many frames", () => {
    const { queue, fill, takeDropped } = makeQueue();
    queue.packetLimit = 30;
    const fat = fill(1, 20, 1400);
    fill(2, 12, 100);
    expect(takeDropped()).toEqual([
      [fat[0], "queue-full"],
      [fat[1], "queue-full"],
    ]);
    expect(queue.drops).toEqual({ "queue-full": 2, "queue-delay": 0 });
    expect(queue.packets).toBe(30);
  });

  it("counts bytes, also when the limit is lowered at run time", () => {
    const { queue, fill, takeDropped } = makeQueue();
    queue.byteLimit = 10_000;
    fill(1, 10, 1000);
    expect(takeDropped()).toEqual([]);
    fill(1, 1, 1000);
    expect(takeDropped().length).toBe(1);
    queue.byteLimit = 5_000;
    fill(2, 1, 500);
    expect(queue.bytes).toBeLessThanOrEqual(5_000);
    expect(queue.flowPackets(2)).toBe(1);
    expect(takeDropped().length).toBe(6);
  });
});

/**
 * One frame a millisecond goes in and one comes out, so that what waits at the start waits for ever.
 * @returns when frames were dropped, in ms since the start.
 */
function runStandingQueue(depthMs: number, durationMs: number, marker?: { markCe(slot: number): boolean }) {
  const { queue, slots, takeDropped } = makeQueue(marker);
  queue.setTarget(20, 100);
  let slot = 0;
  const put = (nowMs: number): void => queue.enqueue(slot++ % SLOTS, 1, 1400, nowMs);
  for (let i = -depthMs; i < 0; i++) put(i);
  const dropsMs: number[] = [];
  for (let nowMs = 0; nowMs < durationMs; nowMs++) {
    put(nowMs);
    const taken = queue.dequeue(nowMs);
    expect(slots.bytes[taken]).toBe(1400);
    for (const [, reason] of takeDropped()) {
      expect(reason).toBe("queue-delay");
      dropsMs.push(nowMs);
    }
  }
  return { dropsMs, queue };
}

describe("CoDel", () => {
  it("leaves a queue below the target alone, and one above it for one interval", () => {
    expect(runStandingQueue(18, 1000).dropsMs).toEqual([]);
    expect(runStandingQueue(50, 100).dropsMs).toEqual([]);
    expect(runStandingQueue(50, 102).dropsMs.length).toBe(1);
  });

  it("drops faster with the square root of the drops, until the queue is below the target", () => {
    const { dropsMs, queue } = runStandingQueue(50, 3000);
    // RFC 8289 section 5.3: interval / sqrt(count) apart.
    expect(dropsMs.slice(0, 5)).toEqual([100, 200, 271, 329, 379]);
    expect(dropsMs.length).toBe(50 - 19);
    expect(queue.packets).toBe(19);
  });

  it("marks frames that take it, in place of each drop", () => {
    const marked: number[] = [];
    const { dropsMs, queue } = runStandingQueue(50, 300, { markCe: (slot) => marked.push(slot) > 0 });
    expect(dropsMs).toEqual([]);
    expect(marked.length).toBe(3);
    expect(queue.markedFrames).toBe(3);
    expect(queue.packets).toBe(50);
  });

  it("does not let one flow's queue cost another's frames", () => {
    const { queue, fill, takeDropped } = makeQueue();
    queue.setTarget(20, 100);
    const bulk = new Set(fill(1, 200, 1400, 0));
    for (let nowMs = 1; nowMs < 180; nowMs++) {
      if (nowMs % 20 === 0) fill(2, 1, 150, nowMs);
      queue.dequeue(nowMs);
    }
    const dropped = takeDropped();
    expect(dropped.length).toBeGreaterThan(0);
    expect(dropped.every(([slot]) => bulk.has(slot))).toBe(true);
  });

  it("starts anew after the queue ran empty", () => {
    const { queue, fill, takeDropped } = makeQueue();
    queue.setTarget(20, 100);
    fill(1, 5, 1400, 0);
    expect(queue.dequeue(50)).toBe(0); // above the target since now
    expect(drain(queue, 60).length).toBe(4);
    fill(1, 5, 1400, 150);
    expect(drain(queue, 180).length).toBe(5); // not above it for 130 ms
    expect(takeDropped()).toEqual([]);
  });
});
