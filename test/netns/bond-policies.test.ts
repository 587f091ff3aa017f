import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sharesDuring } from "../support/bond-watch.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import { type BondPair, withPair } from "../support/programs.ts";
import { monotonicMs } from "../support/script.ts";
import type { TomlTable } from "../support/toml.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measureTcp, measureUdp } from "../support/traffic.ts";
import { type ProbeStatistics, startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { sleep } from "../support/wait.ts";

const RATE_KBPS = 20_000;
const DELAY_MS = 25;
const LATE_MS = 500;
/** What a machine that does other things too may do to order: it stops the lines for longer than frames are held. */
const RARE_RATIO = 0.005;
/** Of a datagram of 1200 bytes in the packets of a line. */
const PAYLOAD_RATIO = 0.92;
/** What each line carries at least of eight downloads, and what one of them carries. */
const LEAST_SHARES: Readonly<Record<string, number>> = {
  broadcast: 0.3,
  "balance-rr": 0.3,
  "balance-xor": 0.15,
  "balance-aware": 0.15,
};
const MOST_SHARES: Readonly<Record<string, number>> = { none: 0.95, "active-backup": 0.95 };

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

  const withPolicy = (bonding: TomlTable, use: (pair: BondPair) => Promise<void>) =>
    withPair(topology, { bonding }, use);
  const ends = () => ({ client: topology.lan, server: topology.server, serverAddress: ADDRESSES.server });
  const call = () => startProbe(topology.lan, topology.server, ADDRESSES.server, 5300, LATE_MS);
  /** Downloads by eight connections. */
  const download = () => measureTcp({ ...ends(), flows: 8, seconds: 2 });
  /** A stream of datagrams without any order of their own. */
  const stream = (rateKbps: number) =>
    measureUdp({ ...ends(), rateKbps, payloadBytes: 1200, seconds: 2, omitSeconds: 1 });

  function expectOrder({ sent, duplicates, reordered }: ProbeStatistics): void {
    expect(duplicates).toBe(0);
    expect(reordered).toBeLessThanOrEqual(sent * RARE_RATIO);
  }

  it.each(["none", "active-backup", "broadcast", "balance-rr", "balance-xor", "balance-aware", "aggregate"])(
    "%s carries a call and TCP, each datagram once",
    async (policy) => {
      await withPolicy({ defaultBondingPolicy: policy }, async (pair) => {
        const probe = await call();
        const fromMs = monotonicMs();
        await sleep(600); // what is measured, not waited for
        const toMs = monotonicMs() - 200;
        const shares = await sharesDuring(pair.concentrator, download);
        const record = await probe.stop();
        const alone = summarizeProbe(record, { fromMs, toMs });
        expect(alone.lost).toBeLessThanOrEqual(1);
        expect(alone.rttP50Ms).toBeGreaterThanOrEqual(2 * DELAY_MS);
        const whole = summarizeProbe(record);
        // A call's frames overtake each other rather than wait.
        if (policy === "aggregate") expect(whole.duplicates).toBe(0);
        else expectOrder(whole);
        expect(Math.min(...shares)).toBeGreaterThan(LEAST_SHARES[policy] ?? 0);
        expect(Math.max(...shares)).toBeGreaterThan(MOST_SHARES[policy] ?? 0);
        expect((await pair.client.status()).drops["forged"]).toBe(0);
      });
    },
  );

  describe("over lines of 10, 25 and 60 ms", () => {
    beforeAll(() => setDelays([10, 25, 60]));
    afterAll(() => setDelays([DELAY_MS, DELAY_MS, DELAY_MS]));

    async function setDelays(delaysMs: readonly number[]): Promise<void> {
      for (const [index, delayMs] of delaysMs.entries()) await lines.set(index, { down: { delayMs }, up: { delayMs } });
    }

    it("balance-rr loses, duplicates and reorders nothing at 80 % of the sum", async () => {
      await withPolicy({ defaultBondingPolicy: "balance-rr" }, async () => {
        const probe = await call();
        const { sent, reordered, lostRatio } = await stream(3 * RATE_KBPS * 0.8 * PAYLOAD_RATIO);
        expectOrder(summarizeProbe(await probe.stop()));
        expect(reordered).toBeLessThanOrEqual(sent * RARE_RATIO);
        expect(lostRatio).toBeLessThan(0.01);
      });
    });

    it("broadcast delivers the first copy of each datagram, in order", async () => {
      await withPolicy({ defaultBondingPolicy: "broadcast" }, async (pair) => {
        const probe = await call();
        const { sent, reordered, lostRatio } = await stream(RATE_KBPS * 0.5);
        const statistics = summarizeProbe(await probe.stop());
        expectOrder(statistics);
        expect(reordered).toBeLessThanOrEqual(sent * RARE_RATIO);
        expect(lostRatio).toBeLessThanOrEqual(RARE_RATIO);
        expect((await pair.client.status()).bonds[0]?.resequencer.duplicates).toBeGreaterThan(sent);
        expect(statistics.rttP50Ms).toBeLessThan(2 * DELAY_MS); // that of the fastest line
      });
    });
  });

  it("balance-rr shares frames out by speed", async () => {
    const links = { isp1: { speed: 10 }, isp2: { speed: 20 }, isp3: { speed: 30 } };
    await withPolicy({ defaultBondingPolicy: "balance-rr", links }, async (pair) => {
      const shares = await sharesDuring(pair.concentrator, () => stream(RATE_KBPS / 2));
      for (const [index, expected] of [1 / 6, 2 / 6, 3 / 6].entries()) expect(shares[index]).toBeCloseTo(expected, 1);
    });
  });
});
