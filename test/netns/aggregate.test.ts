import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bondOf, memberChange, sentBytes, sharesDuring } from "../support/bond-watch.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measureTcp } from "../support/traffic.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

const LINES = [line(12_000, 4000, 15), line(8000, 2000, 30), line(4000, 1000, 45)];
/** What each carries of a connection that fills all of them. */
const FAIR_SHARES = [12 / 24, 8 / 24, 4 / 24];
const DOWNLOAD_SECONDS = 6;
/** The first line is busy when it has carried so much. */
const LOADED_BYTES = 500_000;
/** What the best of them carries alone: with less the others would be in the way. */
const BEST_ALONE_KBPS = 12_000;
/** A call beside a download, and one whose line dies: far above what quiet machines need, far below a queue or a timeout of TCP. */
const MOST_LOADED_MS = 100;
const MOST_GAP_MS = 300;
/** Bytes sent more than once, of all: far above what quiet lines need, far below copies of everything. */
const MOST_COPIES_RATIO = 0.2;

/** Three lines that differ in rate and delay, and the policy of a bond that is told nothing. The lab measures speed. */
describe.skipIf(!isRoot())("aggregate over three unequal lines", () => {
  let topology: Topology;
  let lines: LineEmulation;
  let pair: BondPair;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: LINES.length });
    lines = await startLines(topology, LINES);
    pair = await preparePair(topology);
    await pair.start();
  });
  afterAll(async () => {
    await pair?.stop();
    await lines?.stop();
    topology?.remove();
  });

  const download = (congestionControl: "cubic" | "bbr") =>
    measureTcp({
      client: topology.lan,
      server: topology.server,
      serverAddress: ADDRESSES.server,
      congestionControl,
      seconds: DOWNLOAD_SECONDS,
    });

  /** Bytes of frames that the concentrator sent first, and those that it sent again or twice. */
  async function frameBytes(): Promise<{ first: number; copies: number }> {
    const { members } = await bondOf(pair.concentrator);
    const sum = { first: 0, copies: 0 };
    for (const { aggregate } of members) {
      sum.first += aggregate?.firstBytes ?? 0;
      sum.copies += (aggregate?.retransmittedBytes ?? 0) + (aggregate?.duplicatedBytes ?? 0);
    }
    return sum;
  }

  /** What the first line has got of the concentrator so far. */
  const carried = async () => (await sentBytes(pair.concentrator)).get("isp1") ?? 0;

  it("is what a bond does that is told nothing, and both ends hear of what arrives", async () => {
    await download("cubic");
    for (const program of [pair.client, pair.concentrator]) {
      const bond = await bondOf(program);
      expect(bond.policy).toBe("aggregate");
      expect(bond.aggregate?.usesFixedShares).toBe(false);
      expect(Object.values(bond.aggregate?.refusedFeedback ?? { missing: 1 }).filter((count) => count > 0)).toEqual([]);
    }
  });

  it.each(["cubic", "bbr"] as const)(
    "spreads one connection of %s over all lines: it has more than the best line, a call beside it no queue, and little goes twice",
    async (tcp) => {
      const before = await frameBytes();
      const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
      let goodputKbps = 0;
      const shares = await sharesDuring(pair.concentrator, async () => {
        ({ goodputKbps } = await download(tcp));
      });
      const { rttP50Ms } = summarizeProbe(await probe.stop());
      expect(goodputKbps).toBeGreaterThan(BEST_ALONE_KBPS);
      expect(rttP50Ms).toBeLessThan(MOST_LOADED_MS);
      for (const [index, fair] of FAIR_SHARES.entries()) expect(shares[index]).toBeGreaterThan(fair / 2);
      const after = await frameBytes();
      expect((after.copies - before.copies) / (after.first - before.first)).toBeLessThan(MOST_COPIES_RATIO);
    },
  );

  it("loses no datagram of a call when a line dies under a download, and uses it again when it returns", async () => {
    const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
    const startBytes = await carried();
    const load = download("cubic");
    await waitFor(async () => (await carried()) > startBytes + LOADED_BYTES, { what: "the download runs" });
    const sinceMs = Date.now();
    await lines.set(0, { cut: true });
    await memberChange(pair, "isp1", "out", sinceMs);
    const calmMs = Date.now();
    await lines.set(0, { cut: false });
    await memberChange(pair, "isp1", "in", calmMs);
    await load;
    const { sent, lost, duplicates, longestGapMs } = summarizeProbe(await probe.stop());
    expect(sent).toBeGreaterThan(500);
    expect(longestGapMs).toBeLessThan(MOST_GAP_MS);
    expect({ lost, duplicates }).toEqual({ lost: 0, duplicates: 0 });
    const shares = await sharesDuring(pair.concentrator, () => download("cubic"));
    expect(shares[0]).toBeGreaterThan((FAIR_SHARES[0] ?? 0) / 2);
  });
});
