import { describe, expect, it } from "vitest";
import { defaultBondSettings, type PolicyName } from "../../packages/shared/src/bond/index.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import type { SimFlow } from "../support/sim-traffic.ts";
import { SimWorld, type SimWorldOptions } from "../support/sim-world.ts";

const POLICIES: PolicyName[] = [
  "none",
  "active-backup",
  "broadcast",
  "balance-rr",
  "balance-xor",
  "balance-aware",
  "aggregate",
];

/** Fibre, cable and an old DSL. */
const UNEQUAL: SimLinkOptions[] = [
  { up: { rateKbps: 20_000, delayMs: 12 }, down: { rateKbps: 40_000, delayMs: 12 } },
  { up: { rateKbps: 8_000, delayMs: 30 }, down: { rateKbps: 20_000, delayMs: 30 } },
  { up: { rateKbps: 4_000, delayMs: 60 }, down: { rateKbps: 10_000, delayMs: 60 } },
];

/** One way 25, 60 and 120 ms, each wandering. */
const SKEWED: SimLinkOptions[] = [25, 60, 120].map((delayMs) => {
  const line = { rateKbps: 10_000, delayMs, pdvMs: delayMs / 8 };
  return { up: line, down: line };
});

function started(options: Partial<SimWorldOptions>): SimWorld {
  return new SimWorld({ links: [UNEQUAL], ...options }).run(3000);
}

/** Some flows in both directions for a while, and time for the last frames. */
function traffic(world: SimWorld, framesPerSecond: number, durationMs: number, count = 4): SimFlow[] {
  const untilMs = world.nowMs + durationMs;
  const flows = Array.from({ length: count }, (_, i) =>
    world.cbr({ from: i % 2 === 0 ? world.client : world.concentrator, framesPerSecond, untilMs }),
  );
  world.run(durationMs).drain();
  return flows;
}

describe("a session over three links", () => {
  it("is there within two round trips of the fastest, and every link soon after", () => {
    const world = new SimWorld({ links: [UNEQUAL] }).run(500);
    const firstUp = world.client.log.find(({ type }) => type === "member-state")?.atMs;
    expect(firstUp).toBeLessThan(100);
    expect(world.membersUp(world.client)).toEqual(["isp1", "isp2", "isp3"]);
    expect(world.membersUp(world.concentrator)).toEqual(["isp1", "isp2", "isp3"]);
    expect(world.client.addresses).toEqual(["10.8.0.2/24"]);
  });

  it.each(POLICIES)("delivers every frame of both directions exactly once and in order with %s", (policy) => {
    const world = started({ policy });
    traffic(world, 100, 10_000, 8);
    const { sent } = world.total();
    expect(sent).toBeGreaterThan(7900);
    expect(world.total()).toMatchObject({ delivered: sent, reordered: 0, duplicates: 0, corrupted: 0 });
  });

  it("uses all links for many flows with balance-xor, and for one flow with balance-rr", () => {
    for (const policy of ["balance-xor", "balance-rr"] as const) {
      const world = started({ policy });
      const before = world.links[0]?.map(({ up }) => up.counters.deliveredBytes) ?? [];
      traffic(world, 100, 5000, policy === "balance-rr" ? 1 : 12);
      const carried = world.links[0]?.map(({ up }, i) => up.counters.deliveredBytes - (before[i] ?? 0)) ?? [];
      expect(Math.min(...carried) / Math.max(...carried), policy).toBeGreaterThan(0.6);
    }
  });
});

describe("the order of a flow", () => {
  it.each(["balance-rr", "broadcast"] as const)("is kept by %s over links of 25, 60 and 120 ms with PDV", (policy) => {
    const world = started({ policy, links: [SKEWED] });
    traffic(world, 200, 20_000, 6);
    const { sent } = world.total();
    expect(sent).toBeGreaterThan(23_900);
    expect(world.total()).toMatchObject({ delivered: sent, reordered: 0, duplicates: 0, corrupted: 0 });
  });

  it("is kept from the first frame of a flow on, however many flows begin", () => {
    const world = started({ policy: "balance-rr", links: [SKEWED] });
    for (let i = 0; i < 40; i++) {
      const untilMs = world.nowMs + 1000;
      world.cbr({ from: i % 2 === 0 ? world.client : world.concentrator, framesPerSecond: 200, untilMs });
      world.run(250);
    }
    world.drain();
    expect(world.total()).toMatchObject({ reordered: 0, duplicates: 0 });
    expect(world.total().delivered).toBe(world.total().sent);
  });

  it("is kept where the links themselves reorder", () => {
    const links = SKEWED.map(({ up, down }) => ({ up: { ...up, reorders: true }, down: { ...down, reorders: true } }));
    const world = started({ policy: "balance-rr", links: [links] });
    traffic(world, 200, 20_000, 6);
    // The allowance for overtaking within a link is learned from the first frames.
    const { sent, delivered, reordered } = world.total();
    expect(delivered).toBe(sent);
    expect(reordered).toBeLessThan(sent * 0.002);
  });
});

describe("a change of policy under traffic", () => {
  it("costs no frame, whatever follows whatever", () => {
    const world = started({ links: [SKEWED] });
    const flows = Array.from({ length: 6 }, (_, i) =>
      world.cbr({ from: i % 2 === 0 ? world.client : world.concentrator, framesPerSecond: 100 }),
    );
    for (const policy of [...POLICIES, ...POLICIES.toReversed()]) {
      const bond = defaultBondSettings(policy);
      for (const end of [world.client, world.concentrator]) end.tell({ type: "set-bond", peerId: 0, bond });
      world.run(2000);
    }
    world.run(1000);
    for (const flow of flows) {
      expect(flow.lostBetween(0, world.nowMs - 1000)).toBe(0);
      expect(flow.report()).toMatchObject({ duplicates: 0, corrupted: 0 });
      expect(flow.slowestMs(0, world.nowMs)).toBeLessThan(120 + 60 + 250);
    }
  });
});

describe("a net that repeats, delays and reorders datagrams", () => {
  it.each(POLICIES)("never makes %s deliver a frame twice", (policy) => {
    const links = UNEQUAL.map((link) => ({
      up: { ...link.up, pdvMs: 15, reorders: true },
      down: { ...link.down, pdvMs: 15, reorders: true },
      duplicateRatio: 0.3,
    }));
    const world = started({ policy, links: [links] });
    traffic(world, 200, 5000);
    const { sent, delivered, duplicates, corrupted } = world.total();
    expect({ delivered, duplicates, corrupted }).toEqual({ delivered: sent, duplicates: 0, corrupted: 0 });
    expect(world.drops()["replayed"]).toBeGreaterThan(100);
  });
});

describe("accounting", () => {
  /** Counters of data datagrams and frames that ended on their way. */
  const ENDS = ["forged", "unknown-session", "unknown-path", "duplicate", "too-old", "tap-full", "foreign-source"];

  /** What the senders of both ends sent again or twice, by their own count. */
  function copiesOf(world: SimWorld): number {
    const members = world.ends.flatMap((end) => end.snapshot().peers.flatMap((peer) => peer.members));
    return members.reduce((sum, { aggregate }) => {
      const { retransmittedFrames = 0, duplicatedFrames = 0 } = aggregate?.counters ?? {};
      return sum + retransmittedFrames + duplicatedFrames;
    }, 0);
  }

  it.each(POLICIES)("finds every datagram of %s delivered, dropped for a reason or lost on a line", (policy) => {
    const links = UNEQUAL.map(({ up, down }, i) => ({
      up: {
        ...up,
        lossRatio: 0.03,
        queueMs: 50,
        pdvMs: 5,
        reorders: i === 1,
        outages: [[6000 + 2000 * i, 7000 + 2000 * i]] as const,
      },
      down: { ...down, lossRatio: 0.03, queueMs: 50, pdvMs: 5, reorders: i === 1 },
    }));
    const world = started({ policy, links: [links] });
    let given = 0;
    for (const link of world.links.flat())
      link.watch = (_, { bytes }) => {
        if (bytes[0] === 4) given++;
      };
    traffic(world, 300, 10_000, 6);
    const drops = world.drops();
    const ended = ENDS.reduce((sum, reason) => sum + (drops[reason] ?? 0), 0);
    const lost = world.links.flat().reduce((sum, { counters }) => sum + counters.lostData, 0);
    const { sent, delivered } = world.total();
    expect(lost).toBeGreaterThan(300);
    // What was lost and made out of parity ended twice.
    const made = world.ends
      .flatMap((end) => end.snapshot().peers)
      .reduce((sum, peer) => sum + peer.resequencer.made, 0);
    expect(delivered + ended + lost).toBe(given + made);
    if (policy !== "broadcast") expect(given - copiesOf(world) + (drops["no-member"] ?? 0)).toBe(sent);
  });
});

describe("a run", () => {
  it("repeats with its seed and differs with another", () => {
    const run = (seed: number) => {
      const world = started({ seed, policy: "balance-rr", links: [SKEWED] });
      world.network.after(2000, () => world.link(1).set({ lossRatio: 0.2 }));
      traffic(world, 100, 6000);
      const logs = world.ends.map(({ log }) => log.map(({ atMs, type }) => `${atMs} ${type}`));
      return { logs, traces: world.flows.map(({ trace }) => trace), drops: world.drops() };
    };
    const first = run(7);
    expect(run(7)).toEqual(first);
    expect(run(8)).not.toEqual(first);
  });
});
