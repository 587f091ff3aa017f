import { expect, it } from "vitest";
import { SimWorld } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 25 };

it("an idle metered line costs less than 1 kbit/s, handshakes and all, and stays in the bond", () => {
  const links = [
    { up: LINE, down: LINE },
    { up: LINE, down: LINE, metered: true },
  ];
  const world = new SimWorld({ links: [links], policy: "active-backup" }).run(30_000);
  world.cbr({ from: world.concentrator, framesPerSecond: 50 });
  const before = world.link(1).counters.bytes;
  world.run(600_000);
  const kbps = ((world.link(1).counters.bytes - before) * 8) / 600_000;
  expect(kbps).toBeLessThan(1);
  expect(kbps).toBeGreaterThan(0.1);
  expect(world.membersUp(world.client)).toEqual(["isp1", "isp2"]);
});
