import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bondOf, memberChange, sentBytes } from "../support/bond-watch.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import { type BondPair, withPair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measureTcp } from "../support/traffic.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

/** Default settings promise 500 ms; the rest is for a machine that does other things too. */
const OUT_MS = 1000;
/** upDelay is 0. */
const IN_MS = 3000;
const MEGABYTE = 1e6;

/** Three lines of 20/20 Mbit/s, 25 ms, one of which fails under load. */
describe.skipIf(!isRoot())("a line that fails", () => {
  let topology: Topology;
  let lines: LineEmulation;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 3 });
    lines = await startLines(
      topology,
      [1, 2, 3].map(() => line(20_000, 20_000, 25)),
    );
  });
  afterAll(async () => {
    await lines?.stop();
    topology?.remove();
  });

  const withPolicy = (policy: string, use: (pair: BondPair) => Promise<void>) =>
    withPair(topology, { bonding: { defaultBondingPolicy: policy } }, use);

  /** Resolves when the concentrator has sent so much more. */
  async function moved(pair: BondPair, bytes: number): Promise<void> {
    const total = async () => [...(await sentBytes(pair.concentrator)).values()].reduce((sum, each) => sum + each, 0);
    const target = (await total()) + bytes;
    await waitFor(async () => (await total()) >= target, { what: `${bytes} bytes more are sent`, deadlineMs: 20_000 });
  }

  /** The member that carries most of the download; "" while nothing is sent. */
  async function busiest(pair: BondPair): Promise<string> {
    const members = (await bondOf(pair.concentrator)).members.filter(({ shareRatio }) => (shareRatio ?? 0) > 0);
    return members.sort((a, b) => (b.shareRatio ?? 0) - (a.shareRatio ?? 0))[0]?.name ?? "";
  }

  const indexOf = (member: string) => topology.uplinks.findIndex(({ name }) => name === member);
  const call = () => startProbe(topology.lan, topology.server, ADDRESSES.server, 5300, 500);

  it.each(["none", "active-backup", "broadcast", "balance-rr", "balance-xor", "balance-aware"])(
    "leaves %s when it swallows everything, and comes back; eight connections live on",
    async (policy) => {
      await withPolicy(policy, async (pair) => {
        const probe = await call();
        const ends = { client: topology.lan, server: topology.server, serverAddress: ADDRESSES.server };
        const load = measureTcp({ ...ends, flows: 8, seconds: 4 });
        await moved(pair, MEGABYTE);
        const member = await busiest(pair);
        const cutMs = Date.now();
        await lines.set(indexOf(member), { cut: true });
        const out = await memberChange(pair, member, "out", cutMs);
        await moved(pair, MEGABYTE);
        const restoredMs = Date.now();
        await lines.set(indexOf(member), { cut: false });
        const back = await memberChange(pair, member, "in", restoredMs);
        const { lastSecondKbps } = await load;
        const { longestGapMs, duplicates } = summarizeProbe(await probe.stop());
        expect(out.afterMs).toBeLessThanOrEqual(OUT_MS);
        expect(back.afterMs).toBeLessThanOrEqual(IN_MS);
        expect(lastSecondKbps).toHaveLength(8);
        expect(Math.min(...lastSecondKbps)).toBeGreaterThan(0);
        expect(longestGapMs).toBeLessThan(OUT_MS + 500);
        expect(duplicates).toBe(0);
      });
    },
  );

  it.each(["provider", "router"])("loses its carrier at the %s and has it back", async (side) => {
    await withPolicy("balance-xor", async (pair) => {
      const probe = await call();
      const member = await waitFor(() => busiest(pair), { what: "a member carries the call" });
      const [namespace, device] =
        side === "router" ? [topology.router, member] : [topology.isps[indexOf(member)], "home"];
      const downMs = Date.now();
      await namespace?.ip(`link set ${device} down`);
      const out = await memberChange(pair, member, "out", downMs);
      const upMs = Date.now();
      await namespace?.ip(`link set ${device} up`);
      const back = await memberChange(pair, member, "in", upMs);
      const { longestGapMs } = summarizeProbe(await probe.stop());
      expect(out.clientReason).toBe("carrier");
      expect(out.afterMs).toBeLessThanOrEqual(OUT_MS);
      expect(back.afterMs).toBeLessThanOrEqual(IN_MS);
      expect(longestGapMs).toBeLessThan(OUT_MS + 500);
    });
  });
});
