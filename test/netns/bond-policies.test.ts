import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sharesDuring } from "../support/bond-watch.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { monotonicMs } from "../support/script.ts";
import type { TomlTable } from "../support/toml.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measureTcp, measureUdp } from "../support/traffic.ts";
import { type ProbeStatistics, startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { sleep } from "../support/wait.ts";

const RATE_KBPS = 20_000;
const DELAY_MS = 25;
const LATE_MS = 500;

/** Three lines of 20/20 Mbit/s, 25 ms: what each policy does with frames when nothing is wrong. */
describe.skipIf(!isRoot())("bond policies over three lines", () => {
  let topology: Topology;
  let lines: LineEmulation;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 3 });
    lines = await startLines(
      topology,
      [1, 2, 3].map(() => line(RATE_KBPS, RATE_KBPS, DELAY_MS)),
    );
  });
  afterAll(async () => {
    await lines?.stop();
    topology?.remove();
  });

  async function withPair(bonding: TomlTable, use: (pair: BondPair) => Promise<void>): Promise<void> {
    const pair = await preparePair(topology, { bonding });
    try {
      await pair.start();
      await use(pair);
    } finally {
      await pair.stop();
    }
  }

  const traffic = () => ({ client: topology.lan, server: topology.server, serverAddress: ADDRESSES.server });
  const tcp = (flows: number, seconds: number) => measureTcp({ ...traffic(), flows, seconds });

  /** A call: alone for a while, then beside TCP. */
  async function callBesideTcp(): Promise<{ alone: ProbeStatistics; whole: ProbeStatistics; tcpKbps: number }> {
    const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server, 5300, LATE_MS);
    const fromMs = monotonicMs();
    await sleep(1000); // what is measured, not waited for
    const alone = { fromMs, toMs: monotonicMs() - 200 };
    const { goodputKbps: tcpKbps } = await tcp(4, 2);
    const record = await probe.stop();
    return { alone: summarizeProbe(record, alone), whole: summarizeProbe(record), tcpKbps };
  }

  /** Datagrams on their own way each, so that order and number depend on the far end. */
  const spread = (rateKbps: number, seconds = 3) =>
    measureUdp({ ...traffic(), rateKbps, payloadBytes: 1200, seconds, omitSeconds: 1 });

  it.each(["none", "active-backup", "broadcast", "balance-rr", "balance-xor", "balance-aware"])(
    "%s carries a call and TCP, each datagram once",
    async (policy) => {
      await withPair({ defaultBondingPolicy: policy }, async (pair) => {
        const { alone, whole, tcpKbps } = await callBesideTcp();
        console.log(policy, tcpKbps, JSON.stringify(alone), JSON.stringify(whole));
        expect(alone.lost).toBe(0);
        expect(alone.rttP50Ms).toBeGreaterThanOrEqual(2 * DELAY_MS);
        expect(whole.duplicates).toBe(0);
        expect(whole.reordered).toBe(0);
        expect(tcpKbps).toBeGreaterThan(1000);
        expect((await pair.client.status()).drops["forged"]).toBe(0);
      });
    },
  );

  it("balance-xor puts eight connections on all lines", async () => {
    await withPair({ defaultBondingPolicy: "balance-xor" }, async (pair) => {
      const shares = await sharesDuring(pair.concentrator, () => tcp(8, 3));
      console.log(shares);
      expect(Math.min(...shares)).toBeGreaterThan(0.15);
    });
  });

  describe("over lines of 10, 25 and 60 ms", () => {
    beforeAll(() => setDelays([10, 25, 60]));
    afterAll(() => setDelays([DELAY_MS, DELAY_MS, DELAY_MS]));

    async function setDelays(delaysMs: readonly number[]): Promise<void> {
      for (const [index, delayMs] of delaysMs.entries()) await lines.set(index, { down: { delayMs }, up: { delayMs } });
    }

    it("balance-rr loses, duplicates and reorders nothing at 80 % of the sum", async () => {
      await withPair({ defaultBondingPolicy: "balance-rr" }, async (pair) => {
        const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server, 5300, LATE_MS);
        const udp = await spread(3 * RATE_KBPS * 0.8 * 0.9);
        const { duplicates, reordered, lost } = summarizeProbe(await probe.stop());
        console.log("rr", udp, { duplicates, reordered, lost }, (await pair.client.status()).bonds[0]?.resequencer);
        expect({ duplicates, reordered }).toEqual({ duplicates: 0, reordered: 0 });
        expect(udp.reordered).toBe(0);
        expect(udp.lostRatio).toBeLessThan(0.01);
      });
    });

    it("broadcast delivers the first copy of each datagram, in order", async () => {
      await withPair({ defaultBondingPolicy: "broadcast" }, async (pair) => {
        const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server, 5300, LATE_MS);
        const udp = await spread(RATE_KBPS * 0.5);
        const { duplicates, reordered, lost, rttP50Ms } = summarizeProbe(await probe.stop());
        console.log("broadcast", udp, { duplicates, reordered, lost, rttP50Ms });
        expect({ duplicates, reordered, lost }).toEqual({ duplicates: 0, reordered: 0, lost: 0 });
        expect({ reordered: udp.reordered, lost: udp.lost }).toEqual({ reordered: 0, lost: 0 });
        expect((await pair.client.status()).bonds[0]?.resequencer.duplicates).toBeGreaterThan(udp.sent);
        expect(rttP50Ms).toBeLessThan(2 * DELAY_MS); // that of the fastest line
      });
    });
  });

  it.each(["speed", "alloc"])("balance-rr shares frames out by %s", async (key) => {
    const links = { isp1: { [key]: 10 }, isp2: { [key]: 20 }, isp3: { [key]: 30 } };
    await withPair({ defaultBondingPolicy: "balance-rr", links }, async (pair) => {
      const shares = await sharesDuring(pair.concentrator, () => spread(RATE_KBPS / 2, 2));
      console.log(shares);
      for (const [index, expected] of [1 / 6, 2 / 6, 3 / 6].entries()) expect(shares[index]).toBeCloseTo(expected, 1);
    });
  });
});
