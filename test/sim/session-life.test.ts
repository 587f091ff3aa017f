import { describe, expect, it } from "vitest";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { SimWorld, type SimWorldOptions } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 25, queueMs: 200 };
const EQUAL: SimLinkOptions[] = Array.from({ length: 3 }, () => ({ up: LINE, down: LINE }));
/** Beside two good lines one that is 2 s behind, as a cell in a bad place. */
const SKEWED_BY_SECONDS: SimLinkOptions[] = [
  { up: LINE, down: LINE },
  { up: { ...LINE, delayMs: 60, pdvMs: 20 }, down: { ...LINE, delayMs: 60, pdvMs: 20 } },
  { up: { ...LINE, delayMs: 2000 }, down: { ...LINE, delayMs: 2000 } },
];
const NO_EVICTION = { evictRttMs: 0, evictRttFactor: 0 };

function busyWorld(options: Partial<SimWorldOptions> = {}, framesPerSecond = 50, flows = 6): SimWorld {
  const world = new SimWorld({ links: [EQUAL], policy: "balance-xor", ...options }).run(3000);
  for (let i = 0; i < flows; i++) world.cbr({ from: i % 2 === 0 ? world.client : world.concentrator, framesPerSecond });
  return world.run(2000);
}

function lost(world: SimWorld, fromMs = 0): number {
  return world.flows.reduce((sum, flow) => sum + flow.lostBetween(fromMs, world.nowMs - 3000), 0);
}

function rekeys(world: SimWorld): number[] {
  return [world.client, world.concentrator].map((end) => end.snapshot().peers[0]?.rekeys ?? 0);
}

describe("rekeying", () => {
  it.each(["balance-xor", "balance-rr", "broadcast"] as const)("loses no frame of %s in ten minutes", (policy) => {
    const world = busyWorld({ policy }, 10, 4).run(600_000);
    expect(Math.min(...rekeys(world))).toBeGreaterThanOrEqual(4);
    expect(lost(world)).toBe(0);
    expect(world.total()).toMatchObject({ reordered: 0, duplicates: 0, corrupted: 0 });
    // Keys that nothing uses any more are gone: two epochs at most, each with a key for both directions.
    for (const { ports } of world.ends) expect(ports.keyCount).toBeLessThanOrEqual(4);
    expect(world.concentrator.indexCount).toBeLessThanOrEqual(2);
  });

  it("loses no frame either when one line is 2 s behind the others", () => {
    const world = busyWorld({ links: [SKEWED_BY_SECONDS], settings: NO_EVICTION }, 20, 8).run(260_000);
    expect(world.flows.some((flow) => (flow.report().p50Ms ?? 0) > 2000)).toBe(true);
    expect(Math.min(...rekeys(world))).toBeGreaterThanOrEqual(2);
    expect(lost(world)).toBe(0);
    expect(world.total()).toMatchObject({ reordered: 0, duplicates: 0, corrupted: 0 });
    expect(world.drops()).toEqual({});
  });

  it("comes about over lossy lines without a frame lost to it", () => {
    const links = EQUAL.map(() => ({ up: { ...LINE, lossRatio: 0.2 }, down: { ...LINE, lossRatio: 0.2 } }));
    const world = busyWorld({ links: [links], policy: "broadcast" }, 10, 2).run(260_000);
    expect(Math.min(...rekeys(world))).toBeGreaterThanOrEqual(2);
    expect(world.drops()["unknown-session"] ?? 0).toBe(0);
    expect(world.drops()["no-session"] ?? 0).toBe(0);
  });

  it("comes about when the line whose handshakes are fastest brings no answers", () => {
    const links = [{ up: { ...LINE, delayMs: 5 }, down: { ...LINE, delayMs: 5 } }, ...EQUAL];
    const world = busyWorld({ links: [links] });
    world.link(0).down.settings.blackholed = true;
    world.run(260_000);
    expect(Math.min(...rekeys(world))).toBeGreaterThanOrEqual(2);
    expect(lost(world, 10_000)).toBe(0);
  });
});

describe("a restart", () => {
  const SEEDS = [1, 3, 5, 8];

  it.each(["killed", "stopped"] as const)(
    "of the concentrator, %s, costs at most 2 s from when it can be reached",
    (how) => {
      for (const seed of SEEDS) {
        const world = busyWorld({ seed });
        if (how === "killed") world.concentrator.kill();
        else world.concentrator.stop();
        const awayMs = 3000 + 400 * seed;
        world.restartConcentrator(awayMs);
        const backMs = world.nowMs + awayMs;
        world.run(awayMs + 8000);
        for (const flow of world.flows) expect(flow.firstArrivalAfter(backMs) - backMs).toBeLessThan(2000);
        expect(lost(world, backMs + 2500)).toBe(0);
        expect(world.membersUp(world.client)).toEqual(["isp1", "isp2", "isp3"]);
        expect(world.total().duplicates).toBe(0);
      }
    },
  );

  it.each([0, 100, 400, 1000])("of the concentrator within %i ms is noticed all the same", (awayMs) => {
    const world = busyWorld({ policy: "balance-rr" });
    world.concentrator.kill();
    world.restartConcentrator(awayMs);
    const backMs = world.nowMs + awayMs;
    world.run(awayMs + 8000);
    for (const flow of world.flows) expect(flow.firstArrivalAfter(backMs + 100) - backMs).toBeLessThan(2000);
    expect(lost(world, backMs + 2500)).toBe(0);
    expect(world.total().duplicates).toBe(0);
  });

  it.each(["killed", "stopped"] as const)("of the client, %s, costs at most 2 s", (how) => {
    for (const seed of SEEDS) {
      const world = busyWorld({ seed, policy: "balance-rr" });
      if (how === "killed") world.client.kill();
      else world.client.stop();
      const awayMs = 50 + 700 * seed;
      world.restartClient(0, awayMs);
      const backMs = world.nowMs + awayMs;
      world.run(awayMs + 8000);
      for (const flow of world.flows) expect(flow.firstArrivalAfter(backMs) - backMs).toBeLessThan(2000);
      expect(lost(world, backMs + 2500)).toBe(0);
      expect(world.total().duplicates).toBe(0);
    }
  });

  it("leaves nothing behind, however often the client does it", () => {
    const world = busyWorld();
    for (let i = 0; i < 20; i++) {
      world.client.kill();
      world.restartClient(0, 300);
      world.run(3000);
    }
    world.run(20_000);
    const { peers } = world.concentrator.snapshot();
    expect(peers.map(({ members }) => members.length)).toEqual([3]);
    expect(world.concentrator.ports.keyCount).toBeLessThanOrEqual(4);
    expect(world.concentrator.indexCount).toBeLessThanOrEqual(2);
  });

  it("forgets what was under way from before: numbers that begin anew are not taken for old ones", () => {
    const world = busyWorld({ links: [SKEWED_BY_SECONDS], settings: NO_EVICTION, policy: "balance-rr" }, 200);
    world.run(30_000);
    world.concentrator.kill();
    world.restartConcentrator(200);
    const backMs = world.nowMs + 200;
    world.run(20_000);
    expect(world.drops()["too-old"] ?? 0).toBe(0);
    expect(lost(world, backMs + 6000)).toBe(0);
  });

  it("together with the death of a line does not leave that line in the bond", () => {
    const world = busyWorld();
    world.concentrator.stop();
    world.run(30);
    world.restartConcentrator(0);
    world.link(0).set({ blackholed: true });
    world.run(10_000);
    expect(world.membersUp(world.client)).toEqual(["isp2", "isp3"]);
    expect(lost(world, world.nowMs - 6000)).toBe(0);
  });
});

describe("roaming", () => {
  it.each(["balance-xor", "balance-rr"] as const)(
    "costs %s no more than what was under way to the old address",
    (policy) => {
      const world = busyWorld({ policy });
      for (let i = 0; i < 10; i++) {
        world.link(i % 3).rebind();
        world.run(5000);
      }
      // At 25 ms one way some 5 of 300 frames a second are under way to each old address before the next one comes up.
      expect(lost(world)).toBeLessThan(10 * 8);
      expect(lost(world)).toBe(world.unroutableData);
      for (const flow of world.flows) expect(flow.longestGapMs(5000, world.nowMs - 1000)).toBeLessThan(150);
      expect(world.concentrator.log.filter(({ type }) => type === "roamed")).toHaveLength(10);
      expect(world.membersUp(world.concentrator)).toEqual(["isp1", "isp2", "isp3"]);
    },
  );

  it("is found out on a link that only receives", () => {
    const world = new SimWorld({ links: [EQUAL], policy: "balance-xor" }).run(3000);
    for (let i = 0; i < 6; i++) world.cbr({ from: world.concentrator, framesPerSecond: 50 });
    world.run(2000);
    world.link(0).rebind();
    world.run(5000);
    for (const flow of world.flows) expect(flow.longestGapMs(5000, world.nowMs - 1000)).toBeLessThan(300);
  });

  it("to another socket, after a new address, keeps the path and its numbering", () => {
    const world = busyWorld({ policy: "balance-rr" });
    world.client.readdress(1);
    world.run(6000);
    expect(lost(world)).toBeLessThan(20);
    expect(lost(world, 6000)).toBe(0);
    expect(world.client.log.filter(({ type }) => type === "attached")).toHaveLength(3);
    expect(world.membersUp(world.client)).toEqual(["isp1", "isp2", "isp3"]);
    expect(world.total()).toMatchObject({ duplicates: 0, reordered: 0 });
  });
});
