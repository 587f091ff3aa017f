import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PeerClock } from "../../src/aggregate/peer-clock.ts";

const WRAP_MS = 2 ** 32 / 250;
const units = (ms: number) => Math.floor((((ms % WRAP_MS) + WRAP_MS) % WRAP_MS) * 250);

describe("the peer's clock", () => {
  it("runs on through wraps and long silences, whatever its offset and however messages overtake each other", () => {
    const messages = fc.array(fc.record({ gapMs: fc.nat(6 * 3_600_000), delayMs: fc.nat(3_000) }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.nat(2 ** 34), messages, (offsetMs, list) => {
        const clock = new PeerClock();
        let sentMs = 0;
        let nowMs = 0;
        let shift = Number.NaN;
        for (const { gapMs, delayMs } of list) {
          sentMs += gapMs;
          nowMs = Math.max(nowMs, sentMs + delayMs);
          const readMs = clock.read(units(sentMs + offsetMs), nowMs);
          shift = Number.isNaN(shift) ? readMs - sentMs : shift;
          expect(Math.abs(readMs - sentMs - shift)).toBeLessThan(0.02);
        }
      }),
    );
  });

  it("does not believe a leap, until three messages in a row agree on it; then goes on without one", () => {
    const clock = new PeerClock();
    clock.read(units(1_000), 0);
    expect(clock.read(units(1_000 + 3_600_000), 10)).toBeNaN();
    expect(clock.read(units(1_020), 20)).toBeCloseTo(20);
    expect(clock.read(units(1_030 + 3_600_000), 30)).toBeNaN();
    expect(clock.read(units(1_040 + 3_600_000), 40)).toBeNaN();
    expect(clock.read(units(1_050 + 3_600_000), 50)).toBeCloseTo(50);
    expect(clock.read(units(1_060 + 3_600_000), 60)).toBeCloseTo(60);
  });
});
