import { describe, expect, it } from "vitest";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { SimWorld } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 25, queueMs: 200 };
const TWO: SimLinkOptions[] = [
  { up: LINE, down: LINE },
  { up: LINE, down: LINE },
];

/** When the client's packet loop said that its peer was reachable or no longer, from a moment on. */
function saidSince(world: SimWorld, fromMs: number): [boolean, number][] {
  return world.client.log.flatMap((event) =>
    event.type === "peer-reachable" && event.atMs >= fromMs ? [[event.reachable, event.atMs - fromMs]] : [],
  );
}

function cut(world: SimWorld, blackholed: boolean, links = [0, 1]): number {
  for (const index of links) world.link(index).set({ blackholed });
  return world.nowMs;
}

describe("whether a peer is reachable", () => {
  it("is told when the first member is usable, with its RTT", () => {
    const world = new SimWorld({ links: [TWO], policy: "balance-xor" }).run(3000);
    const [event] = world.client.log.filter(({ type }) => type === "peer-reachable");
    expect(event).toMatchObject({ reachable: true, rttMs: expect.any(Number) });
    expect(saidSince(world, 0)).toHaveLength(1);
  });

  it("is told within a second of traffic when every line is dead, and again when one is back", () => {
    const world = new SimWorld({ links: [TWO], policy: "balance-xor" }).run(3000);
    world.cbr({ from: world.client, framesPerSecond: 50 });
    world.run(3000);
    const cutMs = cut(world, true);
    world.run(5000);
    const [gone, ...more] = saidSince(world, cutMs);
    expect([gone?.[0], more]).toEqual([false, []]);
    expect(gone?.[1]).toBeLessThan(1000);
    const backMs = cut(world, false, [1]);
    world.run(5000);
    const [back] = saidSince(world, backMs);
    expect(back?.[0]).toBe(true);
    expect(back?.[1]).toBeLessThan(3000);
  });

  it("does not change when one of two lines dies", () => {
    const world = new SimWorld({ links: [TWO], policy: "balance-xor" }).run(3000);
    world.cbr({ from: world.client, framesPerSecond: 50 });
    const cutMs = cut(world.run(3000), true, [0]);
    world.run(5000);
    expect(saidSince(world, cutMs)).toEqual([]);
  });

  it("is told soon of an idle peer that is attended, and late of one that is not", () => {
    const silentMs = (attended: boolean) => {
      const world = new SimWorld({ links: [TWO], policy: "balance-xor" }).run(10_050);
      const cutMs = cut(world, true);
      if (attended) world.client.tell({ type: "attend-peer", peerId: 0 });
      world.run(10_000);
      return saidSince(world, cutMs)[0]?.[1] ?? Number.POSITIVE_INFINITY;
    };
    expect(silentMs(true)).toBeLessThan(1_000);
    expect(silentMs(false)).toBeGreaterThan(1_000);
  });
});
