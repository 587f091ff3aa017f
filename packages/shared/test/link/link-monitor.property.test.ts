import fc from "fast-check";
import { expect, it } from "vitest";
import type { LinkState } from "../../src/link/index.ts";
import { LINK_MONITOR_DEFAULTS, LinkMonitor } from "../../src/link/index.ts";

const LEGAL: Record<LinkState, readonly LinkState[]> = {
  down: ["pending", "evicted"],
  pending: ["up", "down", "evicted"],
  up: ["down", "evicted"],
  evicted: ["pending", "up", "down"],
};

type Step =
  | { kind: "reply"; back: number; heldUs: number; lost: number }
  | { kind: "received" | "sent" | "data" | "forged" | "timer" }
  | { kind: "interface"; up: boolean };

const step: fc.Arbitrary<{ gapMs: number; step: Step; bestRttMs: number; othersUsable: boolean }> = fc.record({
  gapMs: fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 300, noNaN: true }),
    fc.double({ min: 0, max: 1e5, noNaN: true }),
  ),
  bestRttMs: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0.1, max: 3000, noNaN: true })),
  othersUsable: fc.boolean(),
  step: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("reply" as const),
        back: fc.integer({ min: -2, max: 80 }),
        heldUs: fc.nat(4e9),
        lost: fc.nat(50),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          "received" as const,
          "sent" as const,
          "data" as const,
          "forged" as const,
          "timer" as const,
        ),
      }),
    },
    fc.record({ kind: fc.constant("interface" as const), up: fc.boolean() }),
  ),
});

it("changes state legally, with figures, whatever happens, and onTimer twice changes nothing", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, metered) => {
      let nowMs = 0;
      let nextProbeId = 0;
      let state = "down" as LinkState;
      let effects = 0;
      const sink = {
        sendProbe: (probeId: number) => {
          expect(probeId).toBe(nextProbeId++);
          effects++;
        },
        stateChanged: (from: LinkState, to: LinkState) => {
          expect(from).toBe(state);
          expect(LEGAL[from]).toContain(to);
          state = to;
          effects++;
        },
      };
      const monitor = new LinkMonitor({ ...LINK_MONITOR_DEFAULTS, metered, evictRttFactor: 3 }, sink, nowMs);
      let counter = 0;
      for (const { gapMs, step: what, bestRttMs, othersUsable } of steps) {
        nowMs += gapMs;
        if (what.kind === "reply") {
          counter += what.lost + 1;
          monitor.onProbeReply(nextProbeId - what.back, what.heldUs, counter - what.lost, counter, nowMs);
        } else if (what.kind === "interface") monitor.onInterface(what.up, nowMs);
        else if (what.kind === "received") monitor.onReceived(counter, 100, nowMs);
        else if (what.kind === "sent") monitor.onSent(1400, true, nowMs);
        else if (what.kind === "data") monitor.onDataTime(counter & 0xffffff, nowMs);
        else if (what.kind === "forged") monitor.onForged();
        monitor.onTimer(nowMs, bestRttMs, othersUsable);
        expect(monitor.state).toBe(state);
        expect(monitor.usable).toBe(state === "up");
        expect(monitor.share >= 0 && monitor.share <= 1).toBe(true);
        expect(monitor.nextDeadlineMs).toBeGreaterThan(nowMs);
        const before = effects;
        monitor.onTimer(nowMs, bestRttMs, othersUsable);
        monitor.onTimer(nowMs, bestRttMs, othersUsable);
        expect(effects).toBe(before);
      }
    }),
  );
});

it("asks for its timer at a finite time, or never while the carrier is gone", () => {
  const monitor = new LinkMonitor(LINK_MONITOR_DEFAULTS, { sendProbe: () => {}, stateChanged: () => {} }, 0);
  expect(monitor.nextDeadlineMs).toBe(0);
  monitor.onTimer(0, Number.NaN, false);
  expect(monitor.nextDeadlineMs).toBe(500);
  monitor.onInterface(false, 1);
  monitor.onTimer(10, Number.NaN, false);
  expect(monitor.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
});
