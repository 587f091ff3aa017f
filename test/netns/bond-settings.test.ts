import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bondOf, memberChange, memberOf, sharesDuring } from "../support/bond-watch.ts";
import { deviceCounters } from "../support/device-counters.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import type { Program } from "../support/program.ts";
import { type BondPair, withPair } from "../support/programs.ts";
import type { TomlTable } from "../support/toml.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measurePing, measureUdp } from "../support/traffic.ts";
import { sleep, waitFor } from "../support/wait.ts";

/** Far from the default of 400 ms, and above what an idle line is granted. */
const FAILOVER_MS = 1800;

/** Three lines of 20/20 Mbit/s, 10 ms: what [bonding] says is what both ends do. */
describe.skipIf(!isRoot())("bonding settings", () => {
  let topology: Topology;
  let lines: LineEmulation;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 3 });
    lines = await startLines(
      topology,
      [1, 2, 3].map(() => line(20_000, 20_000, 10)),
    );
  });
  afterAll(async () => {
    await lines?.stop();
    topology?.remove();
  });

  afterEach(async () => {
    for (const index of topology.uplinks.keys()) await lines.set(index, { cut: false });
  });

  const ping = (seconds = 0.5) => measurePing(topology.lan, ADDRESSES.server, { seconds, intervalMs: 10 });
  /** A stream of datagrams in both directions in turn, to see who carries what. */
  const stream = (direction: "down" | "up") =>
    measureUdp({
      ...{ client: topology.lan, server: topology.server, serverAddress: ADDRESSES.server },
      ...{ direction, rateKbps: 4000, payloadBytes: 1000, seconds: 1 },
    });
  /** Each end with the direction in which it sends. */
  const both = (pair: BondPair) =>
    [
      [pair.client, "up"],
      [pair.concentrator, "down"],
    ] as const;
  const cut = (member: number) => lines.set(member - 1, { cut: true });
  const restore = (member: number) => lines.set(member - 1, { cut: false });

  async function hasPolicy(program: Program, policy: string): Promise<void> {
    const matches = async () => (await bondOf(program)).policy === policy;
    await waitFor(matches, { what: `the ${program.role} uses ${policy}` });
  }

  /** Waits until a member is in this state at both ends. */
  async function hasState(pair: BondPair, member: string, state: string): Promise<void> {
    for (const program of [pair.client, pair.concentrator]) {
      const matches = async () => (await memberOf(program, member)).state === state;
      await waitFor(matches, { what: `${member} is ${state} at the ${program.role}` });
    }
  }

  // The first test: connections of others would still send now and then.
  it("a metered line costs less than 1 kbit/s while it is idle", async () => {
    await withPair(topology, { uplink: { metered: true } }, async () => {
      const bytes = () =>
        Promise.all(topology.uplinks.map(async ({ name }) => (await deviceCounters(topology.router, name)).bytes));
      /** On the busiest line. */
      const kbpsDuring = async (seconds: number) => {
        const before = await bytes();
        await sleep(seconds * 1000); // what is measured, not waited for
        const after = await bytes();
        return Math.max(...after.map((each, index) => ((each - (before[index] ?? 0)) * 8) / 1000 / seconds));
      };
      const isIdle = async () => (await kbpsDuring(1)) < 2;
      await waitFor(isIdle, { what: "the search for the MTU is over", deadlineMs: 20_000, intervalMs: 0 });
      expect(await kbpsDuring(10)).toBeLessThan(1);
    });
  });

  describe.each(["client", "concentrator"] as const)("given at the %s alone", (bondingAt) => {
    it("count for both directions", async () => {
      const bonding = { defaultBondingPolicy: "broadcast", broadcast: { failoverInterval: FAILOVER_MS } };
      await withPair(topology, { bonding, bondingAt }, async (pair) => {
        await Promise.all([hasPolicy(pair.client, "broadcast"), hasPolicy(pair.concentrator, "broadcast")]);
        expect(pair.concentrator.events("bonding-taken")).toHaveLength(bondingAt === "client" ? 1 : 0);
        for (const [program, direction] of both(pair)) {
          for (const share of await sharesDuring(program, () => stream(direction))) expect(share).toBeCloseTo(1 / 3, 1);
        }
        const sinceMs = Date.now();
        await cut(1);
        const out = await memberChange(pair, "isp1", "out", sinceMs);
        // It counts from the last answer, and one came at most a quarter of it before the cut.
        expect(Math.min(out.clientMs, out.concentratorMs)).toBeGreaterThan(FAILOVER_MS * 0.7);
      });
    });
  });

  it("know policies of one's own, and a client for which another counts", async () => {
    const links = (share: number) => ({
      isp1: { alloc: share },
      isp2: { alloc: 100 - share },
      isp3: { enabled: false },
    });
    const bonding = {
      defaultBondingPolicy: "balance-xor",
      policies: { uneven: { basePolicy: "balance-rr", packetsPerLink: 1, links: links(80) } },
      peerSpecificBonds: { home1: "uneven" },
    };
    await withPair(topology, { bonding, bondingAt: "concentrator" }, async (pair) => {
      await hasPolicy(pair.concentrator, "uneven");
      await hasPolicy(pair.client, "uneven");
      for (const [program, direction] of both(pair)) {
        const [first = 0, second = 0, third = 0] = await sharesDuring(program, () => stream(direction));
        expect(first).toBeCloseTo(0.8, 1);
        expect(second).toBeCloseTo(0.2, 1);
        expect(third).toBeLessThan(0.02); // its probes
      }
    });
  });

  it.each([
    ["always", "up", "standby"],
    ["failure", "standby", "up"],
  ])("primary = isp2, linkSelectMethod = %s: after its return it is %s", async (linkSelectMethod, primary, other) => {
    const bonding = {
      defaultBondingPolicy: "active-backup",
      "active-backup": { primary: "isp2", linkSelectMethod },
    };
    await withPair(topology, { bonding }, async (pair) => {
      const shares = await sharesDuring(pair.concentrator, () => stream("down"));
      expect(shares[1]).toBeGreaterThan(0.95);
      const sinceMs = Date.now();
      await cut(2);
      const [{ sent, received }] = await Promise.all([ping(1.5), memberChange(pair, "isp2", "out", sinceMs)]);
      expect(received).toBeGreaterThan(sent * 0.5);
      const backMs = Date.now();
      await restore(2);
      await memberChange(pair, "isp2", "in", backMs);
      await hasState(pair, "isp2", primary);
      const carriers = (await bondOf(pair.client)).members.filter(
        ({ name, state }) => name !== "isp2" && state === other,
      );
      expect(carriers.length).toBeGreaterThan(0);
    });
  });

  it("minLinks: with fewer lines the bond carries nothing", async () => {
    const bonding = { defaultBondingPolicy: "balance-xor", "balance-xor": { minLinks: 3 } };
    await withPair(topology, { bonding }, async (pair) => {
      expect((await ping()).received).toBeGreaterThan(45);
      const sinceMs = Date.now();
      await cut(3);
      await memberChange(pair, "isp3", "out", sinceMs);
      expect((await ping()).received).toBe(0);
      expect((await pair.client.status()).drops["no-member"]).toBeGreaterThan(0);
      await restore(3);
      await pair.waitForMembers(3);
      await waitFor(async () => (await ping(0.1)).received > 0, { what: "the bond carries again" });
    });
  });

  it("a spare carries nothing until the line fails that names it", async () => {
    const links: TomlTable = {
      isp1: { failoverTo: "isp3" },
      isp2: {},
      isp3: { mode: "spare" },
    };
    await withPair(topology, { bonding: { defaultBondingPolicy: "balance-rr", links } }, async (pair) => {
      await hasState(pair, "isp3", "standby");
      const idle = await sharesDuring(pair.concentrator, () => stream("down"));
      expect(idle[2]).toBeLessThan(0.02);
      await cut(1);
      await hasState(pair, "isp3", "up");
      const failed = await sharesDuring(pair.concentrator, () => stream("down"));
      expect(failed[2]).toBeCloseTo(0.5, 1);
      await restore(1);
      await hasState(pair, "isp3", "standby");
    });
  });
});
