import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyMark } from "../../src/aggregate/path-controller.ts";
import {
  KIND_FIRST,
  MOST_LOGGED,
  SENT_ACKED,
  SENT_CONTROL,
  SENT_FLYING,
  SENT_LOST,
  SENT_UNKNOWN,
  SentLog,
} from "../../src/aggregate/sent-log.ts";

function add(log: SentLog, counter: number, state = SENT_FLYING): void {
  const mark = { ...emptyMark(), queueMs: counter + 0.5, sentBytes: counter * 3 };
  log.add(counter, counter % 1000, counter % 60_000, KIND_FIRST, state, 100 + (counter % 1_000), counter / 7, mark);
}

describe("the log of what was sent", () => {
  it("remembers as an endless list would, through growth, settling in any order, and counters left out", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ what: fc.constant("send" as const), count: fc.integer({ min: 1, max: 300 }), gap: fc.nat(60) }),
        fc.record({ what: fc.constant("settle" as const), back: fc.nat(600) }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(fc.nat(2 ** 45), steps, (first, list) => {
        const log = new SentLog();
        const states = new Map<number, number>();
        log.restart(first);
        for (const step of list) {
          if (step.what === "send") {
            for (let i = 0; i < step.count; i++) {
              const counter = log.next + (i === 0 ? step.gap : 0);
              const state = i % 5 === 0 ? SENT_CONTROL : SENT_FLYING;
              add(log, counter, state);
              states.set(counter, state);
            }
          } else {
            const counter = log.next - 1 - step.back;
            if (!log.has(counter) || !states.has(counter)) continue;
            log.settle(log.index(counter), step.back % 2 === 0 ? SENT_ACKED : SENT_LOST);
            states.set(counter, step.back % 2 === 0 ? SENT_ACKED : SENT_LOST);
            log.advance();
          }
        }
        const isOpen = (state: number | undefined) => state === SENT_FLYING || state === SENT_CONTROL;
        const open = [...states].filter(([, state]) => isOpen(state)).map(([counter]) => counter);
        expect(log.unsettled).toBeGreaterThanOrEqual(log.oldest);
        expect(Math.min(...open, log.next)).toBeGreaterThanOrEqual(log.unsettled);
        expect(log.flyingCount).toBe([...states.values()].filter((state) => state === SENT_FLYING).length);
        const flying = open.filter((counter) => states.get(counter) === SENT_FLYING);
        expect(log.oldestFlying()).toBe(flying.length > 0 ? Math.min(...flying) : -1);
        for (let counter = log.oldest; counter < log.next; counter++) {
          const at = log.index(counter);
          if (!states.has(counter)) expect([log.states[at], log.slots[at]]).toEqual([SENT_UNKNOWN, -1]);
        }
        for (const [counter, state] of states) {
          if (!log.has(counter)) continue;
          const at = log.index(counter);
          const mark = emptyMark();
          log.readMark(at, mark);
          expect([log.states[at], log.slots[at], log.sentMs[at]]).toEqual([state, counter % 1000, counter / 7]);
          expect([mark.queueMs, mark.sentBytes]).toEqual([counter + 0.5, counter * 3]);
        }
      }),
    );
  });

  it("is full at its limit, until the oldest is settled", () => {
    const log = new SentLog();
    for (let counter = 0; counter < MOST_LOGGED; counter++) {
      expect(log.isFull).toBe(false);
      add(log, counter);
    }
    expect(log.isFull).toBe(true);
    log.settle(log.index(0), SENT_ACKED);
    log.advance();
    expect(log.isFull).toBe(false);
    expect(log.has(0)).toBe(true);
  });

  it("goes on over a few counters left out, and begins anew after many or when they fall back", () => {
    const log = new SentLog();
    add(log, 0);
    expect([log.continues(1), log.continues(60), log.continues(1_000), log.continues(0)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
