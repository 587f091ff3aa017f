import { describe, expect, it } from "vitest";
import type { PolicyName } from "../../packages/shared/src/bond/index.ts";
import type { SimEnd } from "../support/sim-end.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import type { SimFlow } from "../support/sim-traffic.ts";
import { SimWorld, type SimWorldOptions } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 25, queueMs: 200 };
const EQUAL: SimLinkOptions[] = Array.from({ length: 3 }, () => ({ up: LINE, down: LINE }));
const START_MS = 5000;

/** Three equal links that have carried twelve flows, six in each direction, for two seconds. */
function busyWorld(policy: PolicyName, options: Partial<SimWorldOptions> = {}): SimWorld {
  const world = new SimWorld({ links: [EQUAL], policy, ...options }).run(START_MS - 2000);
  for (let i = 0; i < 12; i++) {
    world.cbr({ from: i % 2 === 0 ? world.client : world.concentrator, framesPerSecond: 50 });
  }
  return world.run(2000);
}

/** When an end saw a member change its state, counted from START_MS. */
function changes(end: SimEnd, member: string, to: string): number[] {
  return end.log.flatMap((event) =>
    event.type === "member-state" && event.member === member && event.to === to && event.atMs > START_MS
      ? [event.atMs - START_MS]
      : [],
  );
}

function bothEnds(world: SimWorld): SimEnd[] {
  return [world.client, world.concentrator];
}

/** Flows that lost frames sent from the trouble on. */
function harmed(world: SimWorld): SimFlow[] {
  return world.flows.filter((flow) => flow.lostBetween(START_MS, world.nowMs - 1000) > 0);
}

describe("a link that becomes a black hole under traffic", () => {
  it.each(["none", "active-backup", "broadcast", "balance-rr", "balance-xor", "balance-aware"] as const)(
    "is out of a %s bond within 500 ms and costs nothing afterwards",
    (policy) => {
      const world = busyWorld(policy);
      world.link(0).set({ blackholed: true });
      world.run(6000);
      for (const end of bothEnds(world)) {
        expect(changes(end, "isp1", "down")[0]).toBeLessThan(500);
        expect(world.membersUp(end)).toEqual(["isp2", "isp3"]);
      }
      for (const flow of world.flows) {
        expect(flow.lostBetween(START_MS + 500, START_MS + 5000)).toBe(0);
        expect(flow.report().duplicates).toBe(0);
      }
      if (policy === "broadcast") expect(harmed(world)).toEqual([]);
    },
  );

  it("harms only the flows that balance-xor had on it, and they live on on another link", () => {
    const world = busyWorld("balance-xor");
    world.link(0).set({ blackholed: true });
    world.run(6000);
    expect(harmed(world).length).toBeGreaterThan(2);
    expect(harmed(world).length).toBeLessThan(7);
    for (const flow of world.flows) {
      const isHarmed = harmed(world).includes(flow);
      expect(flow.longestGapMs(START_MS, START_MS + 5000)).toBeLessThan(isHarmed ? 560 : 40);
      expect(flow.report().reordered).toBe(0);
    }
  });

  it("does not hold up the frames of balance-rr that went other ways by more than the hold", () => {
    const world = busyWorld("balance-rr");
    world.link(0).set({ blackholed: true });
    world.run(6000);
    for (const flow of world.flows) {
      expect(flow.slowestMs(START_MS, START_MS + 5000)).toBeLessThan(25 + 250 + 10);
      expect(flow.slowestMs(START_MS + 700, START_MS + 5000)).toBeLessThan(30);
      expect(flow.report().reordered).toBe(0);
    }
  });

  it.each(["balance-xor", "balance-rr"] as const)("is used again by %s within 3 s of its return", (policy) => {
    const world = busyWorld(policy);
    const link = world.link(0);
    link.set({ blackholed: true });
    world.run(3000);
    link.set({ blackholed: false });
    const before = link.up.counters.deliveredBytes;
    world.run(3000);
    for (const end of bothEnds(world)) expect(changes(end, "isp1", "up")[0]).toBeLessThan(3000 + 3000);
    world.run(3000);
    // A third of six flows of 50 frames of 200 bytes, ramping up within the last three seconds.
    expect(link.up.counters.deliveredBytes - before).toBeGreaterThan(35_000);
    for (const flow of world.flows) expect(flow.lostBetween(START_MS + 1000, START_MS + 8500)).toBe(0);
  });

  it("waits for upDelay on top, if that is set", () => {
    const world = busyWorld("balance-xor", { settings: { upDelayMs: 4000 } });
    world.link(0).set({ blackholed: true });
    world.run(1000);
    world.link(0).set({ blackholed: false });
    world.run(9000);
    for (const end of bothEnds(world)) {
      const [upMs = Number.NaN] = changes(end, "isp1", "up");
      expect(upMs).toBeGreaterThan(1000 + 4000);
      expect(upMs).toBeLessThan(1000 + 4000 + 3000);
    }
  });

  it("is noticed when it swallows one direction only", () => {
    for (const direction of ["up", "down"] as const) {
      const world = busyWorld("balance-xor");
      world.link(1)[direction].settings.blackholed = true;
      world.run(6000);
      for (const end of bothEnds(world)) expect(world.membersUp(end)).toEqual(["isp1", "isp3"]);
      for (const flow of world.flows) expect(flow.lostBetween(START_MS + 1000, START_MS + 5000)).toBe(0);
    }
  });

  it("takes the whole bond with it when all links go, and it comes back by itself", () => {
    const world = busyWorld("balance-xor");
    for (const link of world.links.flat()) link.set({ blackholed: true });
    world.run(20_000);
    expect(world.drops()["no-member"]).toBeGreaterThan(1000);
    for (const link of world.links.flat()) link.set({ blackholed: false });
    world.run(2000);
    const backMs = START_MS + 20_000;
    for (const flow of world.flows) expect(flow.firstArrivalAfter(backMs)).toBeLessThan(backMs + 2000);
    world.run(10_000);
    for (const end of bothEnds(world)) expect(world.membersUp(end)).toEqual(["isp1", "isp2", "isp3"]);
  });
});

describe("a link whose RTT jumps to 2 s", () => {
  it.each(["balance-xor", "balance-rr", "active-backup"] as const)("is out of %s within 1 s", (policy) => {
    const world = busyWorld(policy);
    const before = new Map(world.flows.map((flow) => [flow, flow.report()]));
    world.link(0).set({ delayMs: 1000 });
    world.run(8000);
    for (const end of bothEnds(world)) {
      const leftMs = Math.min(...changes(end, "isp1", "down"), ...changes(end, "isp1", "evicted"));
      expect(leftMs).toBeLessThan(1000);
      expect(world.membersUp(end)).toEqual(["isp2", "isp3"]);
    }
    for (const flow of world.flows) {
      expect(flow.slowestMs(START_MS + 1100, START_MS + 7000)).toBeLessThan(30);
      expect(flow.report().duplicates).toBe(0);
    }
    if (policy !== "balance-xor") return;
    const unharmed = world.flows.filter((flow) => flow.slowestMs(START_MS, START_MS + 7000) < 30);
    expect(unharmed.length).toBeGreaterThan(5);
    for (const flow of unharmed) expect(flow.report().reordered).toBe(before.get(flow)?.reordered);
  });

  it("stays if its RTT rises slowly and there is no limit to it", () => {
    for (const evictRttMs of [0, 1500]) {
      const world = busyWorld("balance-xor", { settings: { evictRttMs } });
      for (let delayMs = 25; delayMs < 1000; delayMs += 25) {
        world.link(0).set({ delayMs });
        world.run(300);
      }
      for (const end of bothEnds(world)) {
        expect(changes(end, "isp1", "evicted").length + changes(end, "isp1", "down").length).toBe(
          evictRttMs === 0 ? 0 : 1,
        );
      }
    }
  });

  it("loses nothing by it: what is on the slow line arrives late", () => {
    const world = busyWorld("balance-xor");
    world.link(0).set({ delayMs: 1000 });
    world.run(8000);
    expect(harmed(world)).toEqual([]);
  });
});

describe("a lossy link", () => {
  it("does not stall other flows, nor its own by more than the hold", () => {
    const world = busyWorld("balance-rr");
    world.link(0).set({ lossRatio: 0.1 });
    world.run(10_000);
    const { sent, delivered, reordered, duplicates } = world.total();
    expect(delivered / sent).toBeGreaterThan(0.95);
    expect({ reordered, duplicates }).toEqual({ reordered: 0, duplicates: 0 });
    for (const flow of world.flows) expect(flow.slowestMs(START_MS, START_MS + 9000)).toBeLessThan(25 + 250 + 10);
    expect(world.total().p99Ms).toBeLessThan(60);
  });

  it("leaves the bond when it loses a third, and costs nothing afterwards", () => {
    const world = busyWorld("balance-xor");
    world.link(0).set({ lossRatio: 0.35 });
    world.run(12_000);
    for (const end of bothEnds(world)) expect(world.membersUp(end)).toEqual(["isp2", "isp3"]);
    for (const flow of world.flows) expect(flow.lostBetween(START_MS + 7000, START_MS + 11_000)).toBe(0);
  });

  it("stays if there is no limit to loss", () => {
    const world = busyWorld("balance-xor", { settings: { evictPlrRatio: 0 } });
    world.link(0).set({ lossRatio: 0.35 });
    world.run(12_000);
    const reasons = bothEnds(world).flatMap(({ log }) =>
      log.map((event) => (event.type === "member-state" ? event.reason : "")),
    );
    expect(reasons).not.toContain("loss");
    for (const end of bothEnds(world)) expect(world.membersUp(end)).toContain("isp1");
  });

  it("harms no frame of a broadcast", () => {
    const world = busyWorld("broadcast");
    for (const link of world.links.flat()) link.set({ lossRatio: 0.02 });
    world.run(10_000).run(1000);
    const lost = world.flows.reduce((sum, flow) => sum + flow.lostBetween(START_MS, START_MS + 10_000), 0);
    expect(lost).toBeLessThan(2); // 6000 frames, each lost with 0.02 ** 3
  });
});

describe("a link that comes and goes", () => {
  it("stays out ever longer, and is forgiven", () => {
    const world = busyWorld("balance-xor");
    const link = world.link(0);
    for (let i = 0; i < 12; i++) {
      link.set({ blackholed: true });
      world.run(1000);
      link.set({ blackholed: false });
      world.run(4000);
    }
    const ups = changes(world.client, "isp1", "up");
    expect(ups.length).toBeGreaterThan(2);
    expect(ups.length).toBeLessThan(9);
    const lostEarly = world.flows.reduce((sum, flow) => sum + flow.lostBetween(START_MS, START_MS + 10_000), 0);
    const lostLate = world.flows.reduce(
      (sum, flow) => sum + flow.lostBetween(START_MS + 40_000, world.nowMs - 1000),
      0,
    );
    expect(lostLate).toBeLessThan(lostEarly);
    world.run(120_000);
    for (const end of bothEnds(world)) expect(world.membersUp(end)).toEqual(["isp1", "isp2", "isp3"]);
  });

  it("never takes the others along, however wild", () => {
    const world = busyWorld("balance-xor");
    const { random } = world.network;
    for (let i = 0; i < 60; i++) {
      world
        .link(0)
        .set({ blackholed: random() < 0.3, delayMs: random() < 0.2 ? 1500 : 25, lossRatio: random() < 0.3 ? 0.4 : 0 });
      world.run(700);
    }
    for (const end of bothEnds(world)) {
      expect(changes(end, "isp2", "down").concat(changes(end, "isp3", "down"))).toEqual([]);
      expect(changes(end, "isp2", "evicted").concat(changes(end, "isp3", "evicted"))).toEqual([]);
    }
    expect(world.total().duplicates).toBe(0);
  });
});
