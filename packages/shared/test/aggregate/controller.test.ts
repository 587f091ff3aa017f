import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyMark, type FeedbackSample } from "../../src/aggregate/path-controller.ts";
import { VirtualQueueController } from "../../src/aggregate/virtual-queue-controller.ts";

const BYTES = 1500;

/** Sends as long as the gate lets it, then goes on to the time at which it opens by itself. */
function sendAll(controller: VirtualQueueController, fromMs: number, untilMs: number): number {
  let count = 0;
  for (let nowMs = fromMs; nowMs < untilMs; nowMs = Math.max(nowMs, controller.nextOpenMs(nowMs)) + 0.001) {
    for (; controller.isOpen(nowMs); count++) controller.onSent(BYTES, nowMs, emptyMark());
  }
  return count;
}

/** Feedback about a packet that was sent at sentMs and met no queue. */
function sample(sentMs: number, receivedBytes: number, owdMs = 20): FeedbackSample {
  const mark = { ...emptyMark(), sentBytes: receivedBytes };
  return {
    highestOwdMs: owdMs,
    highestMark: mark,
    highestSentMs: sentMs,
    fastestOwdMs: owdMs,
    fastestMark: mark,
    receivedBytes,
    arrivalMs: sentMs + owdMs,
    rttMs: 2 * owdMs,
  };
}

describe("VirtualQueueController", () => {
  it("lets ten packets go before any feedback, and no more", () => {
    const controller = new VirtualQueueController();
    expect(sendAll(controller, 0, 1000)).toBe(10);
    expect(controller.nextOpenMs(1000)).toBe(Number.POSITIVE_INFINITY);
    expect(controller).toMatchObject({ phase: "startup", rateBytesPerMs: 125, inflightBytes: 15_000 });
  });

  it("opens again for what has left the line, lost or not", () => {
    const controller = new VirtualQueueController();
    sendAll(controller, 0, 1000);
    controller.onGone(BYTES, true, 1000);
    controller.onGone(BYTES, false, 1000);
    expect(controller.inflightBytes).toBe(12_000);
    expect(sendAll(controller, 1000, 2000)).toBe(2);
  });

  it("lets a second packet follow the first at once on a line that takes 24 ms for each", () => {
    const controller = new VirtualQueueController();
    controller.setTypedLimit(500);
    controller.onFeedback(sample(0, 0), 40);
    controller.onSent(BYTES, 41, emptyMark());
    expect(controller.isOpen(41)).toBe(true);
    controller.onSent(BYTES, 41, emptyMark());
    expect(controller.isOpenForUrgent(41)).toBe(true);
  });

  it("takes a typed speed as an upper limit, and forgets it", () => {
    const controller = new VirtualQueueController();
    controller.setTypedLimit(800);
    expect(controller.rateBytesPerMs).toBe(100);
    for (let i = 1; i <= 100; i++) controller.onFeedback(sample(10 * i, 10_000 * i), 10 * i + 40);
    expect(controller.rateBytesPerMs).toBe(100);
    controller.setTypedLimit(null);
    for (let i = 101; i <= 200; i++) controller.onFeedback(sample(10 * i, 10_000 * i), 10 * i + 40);
    expect(controller.rateBytesPerMs).toBeGreaterThan(500);
  });

  it("predicts the arrival from the line's least delay, the queue and the transmission", () => {
    const controller = new VirtualQueueController();
    controller.onFeedback(sample(0, 0, 25), 50);
    expect(controller.arrivalMs(BYTES, 60)).toBeCloseTo(25 + BYTES / 125, 9);
    controller.onSent(BYTES, 60, emptyMark());
    expect(controller.queueMs(60)).toBeCloseTo(BYTES / (125 * 4), 9);
    expect(controller.arrivalMs(BYTES, 60)).toBeCloseTo(25 + BYTES / 125 + BYTES / (125 * 4), 9);
  });

  it("knows nothing before the first report, and says so", () => {
    const controller = new VirtualQueueController();
    expect([controller.baseOwdMs, controller.rttMinMs]).toEqual([Number.NaN, Number.NaN]);
    expect(controller.explain(0)).toMatchObject({
      deliveryKbps: null,
      baseOwdMs: null,
      rttMinMs: null,
      lineQueueMs: null,
    });
    expect(Number.isFinite(controller.arrivalMs(BYTES, 0))).toBe(true);
  });

  it("keeps its figures finite and its gate consistent, whatever it is told", () => {
    const wild = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: -50, max: 50 }));
    const step = fc.record({
      gapMs: fc.double({ min: 0, max: 500, noNaN: true }),
      send: fc.integer({ min: 0, max: 30 }),
      gone: fc.integer({ min: 0, max: 30 }),
      lost: fc.boolean(),
      owdMs: wild,
      fastMs: wild,
      received: wild,
      arrivalMs: wild,
      rttMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const controller = new VirtualQueueController();
        controller.setTypedLimit(1_000_000);
        const flying: { bytes: number; sentMs: number; mark: ReturnType<typeof emptyMark> }[] = [];
        let nowMs = 0;
        for (const told of steps) {
          nowMs += told.gapMs;
          for (let i = 0; i < told.send && controller.isOpen(nowMs); i++) {
            const mark = emptyMark();
            controller.onSent(BYTES, nowMs, mark);
            flying.push({ bytes: BYTES, sentMs: nowMs, mark });
          }
          const newest = flying.at(-1);
          for (let i = 0; i < told.gone; i++) if (flying.shift()) controller.onGone(BYTES, told.lost, nowMs);
          if (newest === undefined) continue;
          controller.onFeedback(
            {
              highestOwdMs: told.owdMs,
              highestMark: newest.mark,
              highestSentMs: newest.sentMs,
              fastestOwdMs: told.fastMs,
              fastestMark: newest.mark,
              receivedBytes: told.received,
              arrivalMs: told.arrivalMs,
              rttMs: told.rttMs,
            },
            nowMs,
          );
          expect(controller.inflightBytes).toBe(flying.length * BYTES);
          expect(controller.rateBytesPerMs).toBeGreaterThan(0);
          expect(controller.rateBytesPerMs).toBeLessThanOrEqual(125_000);
          expect(controller.queueMs(nowMs)).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(controller.arrivalMs(BYTES, nowMs))).toBe(true);
          expect(Object.values(controller.explain(nowMs))).not.toContain(Number.NaN);
          const openMs = controller.nextOpenMs(nowMs);
          if (openMs <= nowMs) expect(controller.isOpen(nowMs)).toBe(true);
          else expect(controller.isOpen(nowMs)).toBe(false);
        }
      }),
    );
  });
});
