import { expect, it } from "vitest";
import { SimWorld } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 25 };
const LATER = { ...LINE, delayMs: 30 };
const LINKS = [
  { up: LINE, down: LINE },
  { up: LATER, down: LATER, metered: true },
];

it.each(["active-backup", "aggregate"] as const)(
  "an idle metered line of %s costs less than 1 kbit/s, handshakes and all, and stays in the bond",
  (policy) => {
    const world = new SimWorld({ links: [LINKS], policy }).run(30_000);
    world.cbr({ from: world.concentrator, framesPerSecond: 50 });
    const before = world.link(1).counters.bytes;
    world.run(600_000);
    const kbps = ((world.link(1).counters.bytes - before) * 8) / 600_000;
    expect(kbps).toBeLessThan(1);
    expect(kbps).toBeGreaterThan(0.1);
    expect(world.membersUp(world.client)).toEqual(["isp1", "isp2"]);
  },
);

it("a metered line of aggregate that was not used for long carries its part as soon as the others are full", () => {
  const world = new SimWorld({ links: [LINKS], policy: "aggregate" }).run(30_000);
  world.cbr({ from: world.concentrator, framesPerSecond: 50 });
  world.run(600_000);
  const flow = world.cbr({ from: world.concentrator, framesPerSecond: 2_500, frameBytes: 1_400 });
  world.run(1_000);
  const before = flow.delivered;
  world.run(5_000);
  expect((flow.delivered - before) / (5 * 2_500)).toBeGreaterThan(0.98);
});

it("a call goes on over an idle metered line of aggregate when the other one dies", () => {
  const world = new SimWorld({ links: [LINKS], policy: "aggregate" }).run(30_000);
  const calls = [world.client, world.concentrator].map((from) => world.cbr({ from, framesPerSecond: 50 }));
  world.run(60_000);
  const fromMs = world.nowMs;
  world.link(0).set({ blackholed: true });
  world.run(3_000);
  const toMs = world.nowMs - 500;
  expect(calls.map((call) => call.lostBetween(fromMs, toMs))).toEqual([0, 0]);
  expect(Math.max(...calls.map((call) => call.longestGapMs(fromMs, toMs)))).toBeLessThan(250);
});
