import { describe, expect, it } from "vitest";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { SimWorld } from "../support/sim-world.ts";
import { Bbr, Cubic } from "../support/tcp-model.ts";

const CUTS = 6;
const DEAD_MS = 1_500;
const ALIVE_MS = 2_500;
/** Against all others, so that the cuts fall on different moments of reports, dips and probes. */
const ODD_MS = 137;
const CALL = { framesPerSecond: 200, frameBytes: 142 };

function link(rateMbit: number, delayMs: number): SimLinkOptions {
  const line = { rateKbps: rateMbit * 1000, delayMs, queueMs: 50 };
  return { up: line, down: line };
}

/** A call both ways beside a download at full speed, while one line after another dies and comes back. */
function cutAgainAndAgain(links: readonly SimLinkOptions[], control: Cubic | Bbr) {
  const world = new SimWorld({ links: [links], policy: "aggregate" }).run(3000);
  const calls = [world.client, world.concentrator].map((from) => world.cbr({ from, ...CALL }));
  world.run(2000);
  world.download(control);
  world.run(3000);
  const fromMs = world.nowMs;
  for (let i = 0; i < CUTS; i++) {
    const line = world.link(i % links.length);
    line.set({ blackholed: true });
    world.run(DEAD_MS);
    line.set({ blackholed: false });
    world.run(ALIVE_MS + ODD_MS);
  }
  const toMs = world.nowMs;
  world.run(1000);
  return {
    lost: calls.map((call) => call.lostBetween(fromMs, toMs)),
    longestGapMs: Math.max(...calls.map((call) => call.longestGapMs(fromMs, toMs))),
  };
}

describe("a line that dies at full load", () => {
  it.each([
    ["2 × 20 Mbit/s, cubic", [link(20, 20), link(20, 20)], () => new Cubic()],
    ["3 × 12 Mbit/s, BBR", [link(12, 25), link(12, 25), link(12, 25)], () => new Bbr()],
  ])(
    "takes nothing of a call with it, nor silences it for long: %s",
    (_name, links, control) => {
      const { lost, longestGapMs } = cutAgainAndAgain(links, control());
      expect(lost).toEqual([0, 0]);
      expect(longestGapMs).toBeLessThan(60);
    },
    60_000,
  );

  it("makes a TCP send next to nothing again, though most of what was under way went with it", () => {
    const world = new SimWorld({ links: [[link(150, 8), link(15, 40)]], policy: "aggregate" }).run(3000);
    const { flow } = world.download(new Cubic());
    world.run(5000);
    world.link(0).set({ blackholed: true });
    const before = { resent: flow.sender.counters.resent, bytes: flow.receiver.receivedBytes };
    world.run(3000);
    expect(flow.sender.counters.resent - before.resent).toBeLessThan(100);
    const kbps = (8 * (flow.receiver.receivedBytes - before.bytes)) / 3000;
    expect(kbps).toBeGreaterThan(0.6 * 15_000);
  });
});
