import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST_PORT, Host } from "../support/host.ts";
import { isRoot, type Namespace } from "../support/netns.ts";
import { pingAtOnce } from "../support/ping.ts";
import { type PlainLines, startPlainLines } from "../support/plain-lines.ts";
import type { Program } from "../support/program.ts";
import { type BondPair, type PairOptions, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";

/** Outer IPv4 and UDP headers, wanbond's two headers and its tag. */
const TUNNEL_BYTES = 28 + 16 + 8 + 16;
const IP_TCP_BYTES = 40;
const TIMESTAMP_BYTES = 12;

/** Three lines that carry packets of 1500, 1400 and 1280 bytes and drop larger ones without a word. Every frame takes the next. */
describe.skipIf(!isRoot())("MTU", () => {
  let topology: Topology;
  let lines: PlainLines;
  let pair: BondPair;
  let lan: Host;
  let server: Host;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 3 });
    lines = await startPlainLines(topology);
    await lines.setMtu(1, 1400);
    await lines.setMtu(2, 1280);
    lan = new Host(topology.lan);
    server = new Host(topology.server);
    await server.ask("serve", { port: HOST_PORT });
  });
  afterAll(async () => {
    await Promise.all([lan?.stop(), server?.stop()]);
    topology?.remove();
  });

  /** Both programs run during the tests of this block, and have found these sizes of their lines. */
  function withPair(options: PairOptions, sizes: readonly number[]): void {
    beforeAll(async () => {
      pair = await preparePair(topology, { bonding: { defaultBondingPolicy: "balance-rr" }, ...options });
      await pair.start();
      await waitForSizes(sizes);
      // What the hosts have learned of earlier tests.
      for (const host of [topology.lan, topology.server]) await host.exec(["ip", "route", "flush", "cache"]);
    });
    afterAll(async () => {
      await pair?.stop();
    });
  }

  async function waitForSizes(sizes: readonly number[]): Promise<void> {
    const found = async (program: Program) => (await program.status()).bonds[0]?.members.map(({ mtu }) => mtu);
    for (const program of [pair.client, pair.concentrator]) {
      const isFound = async () => `${await found(program)}` === `${sizes}`;
      await waitFor(isFound, { what: `the ${program.role} finds ${sizes}`, deadlineMs: 15_000 }).catch(
        async (error) => {
          throw new Error(`${error}: ${await found(program)}\n${program.transcript()}`);
        },
      );
    }
  }

  async function tapMtu(namespace: Namespace): Promise<number> {
    return Number(await namespace.exec(["cat", "/sys/class/net/wb0/mtu"]));
  }
  async function waitForTaps(mtu: number): Promise<void> {
    const both = async () => [await tapMtu(topology.router), await tapMtu(topology.concentrator)];
    const fits = async () => (await both()).every((each) => each === mtu);
    await waitFor(fits, { what: `both TAPs have an MTU of ${mtu}` });
  }

  /** Packets of this size with DF, and their answers. @returns what ping says. */
  function ping(from: Namespace, to: string, sizeBytes: number, count = 6): Promise<string> {
    return pingAtOnce(from, to, count, "-M", "do", "-s", `${sizeBytes - 28}`);
  }
  const ALL_ANSWERED = " 0% packet loss";

  async function transferBothWays(): Promise<void> {
    for (const direction of ["up", "down"] as const) {
      const options = { address: ADDRESSES.server, port: HOST_PORT, sizeBytes: 3_000_000, direction };
      expect((await lan.ask("transfer", options)).intact).toBe(true);
    }
  }

  /** What both ends of an idle connection may send in one segment. */
  async function segmentSizes(): Promise<number[]> {
    const connection = await lan.ask("connect", { address: ADDRESSES.server, port: HOST_PORT });
    const sizeOf = async (namespace: Namespace, filter: string) => {
      const text = await namespace.exec(["ss", "-Htin", "state", "established", filter]);
      return Number(/\bmss:(\d+)/.exec(text)?.[1]);
    };
    const sizes = [
      await sizeOf(topology.lan, `dport = :${HOST_PORT}`),
      await sizeOf(topology.server, `sport = :${HOST_PORT}`),
    ];
    await lan.ask("disconnect", { connection });
    return sizes.map((each) => each + TIMESTAMP_BYTES);
  }

  describe("of 1500, 1400", () => {
    withPair({ uplinks: [0, 1] }, [1500, 1400]);
    const inner = 1400 - TUNNEL_BYTES;

    it("sets both TAPs to what the narrowest line carries", async () => {
      await waitForTaps(inner);
      for (const program of [pair.client, pair.concentrator])
        expect((await program.status()).bonds[0]?.mtu).toBe(inner);
    });

    it("clamps the segments of TCP in both directions", async () => {
      expect(await segmentSizes()).toEqual([inner - IP_TCP_BYTES, inner - IP_TCP_BYTES]);
    });

    it("carries packets up to it, and says so of larger ones", async () => {
      for (const [from, to] of [
        [topology.lan, ADDRESSES.server],
        [topology.concentrator, ADDRESSES.lan],
      ] as const) {
        expect(await ping(from, to, inner)).toContain(ALL_ANSWERED);
      }
      expect(await ping(topology.lan, ADDRESSES.server, inner + 1, 1)).toContain(`mtu = ${inner}`);
    });

    it("follows a line that becomes narrower while it carries traffic", async () => {
      await lines.setMtu(0, 1372);
      let isFound = false;
      const load = (async () => {
        while (!isFound) await transferBothWays();
      })();
      try {
        await waitForSizes([1372, 1400]);
        await waitForTaps(1372 - TUNNEL_BYTES);
      } finally {
        isFound = true;
        await load;
        await lines.setMtu(0, 1500);
      }
    });
  });

  describe("of 1500, 1400, 1280", () => {
    withPair({}, [1500, 1400, 1280]);

    it("leaves the TAPs at the least that IPv6 wants, and cuts frames up to that itself", async () => {
      await waitForTaps(1280);
      expect((await pair.client.status()).bonds[0]?.mtu).toBe(1280 - TUNNEL_BYTES);
      expect(await ping(topology.lan, ADDRESSES.server, 1280)).toContain(ALL_ANSWERED);
      expect(await ping(topology.concentrator, ADDRESSES.lan, 1280)).toContain(ALL_ANSWERED);
    });

    it("clamps the segments of TCP to what needs no cutting", async () => {
      const size = 1280 - TUNNEL_BYTES - IP_TCP_BYTES;
      expect(await segmentSizes()).toEqual([size, size]);
    });

    it("carries bulk TCP unharmed", transferBothWays);
  });

  describe("with TAPs fixed to 1500", () => {
    withPair({ client: { mtu: 1500 }, concentrator: { mtu: 1500 } }, [1500, 1400, 1280]);

    it("carries packets of 1500 bytes that may not be fragmented", async () => {
      await waitForTaps(1500);
      expect(await ping(topology.lan, ADDRESSES.server, 1500)).toContain(ALL_ANSWERED);
      expect(await ping(topology.concentrator, ADDRESSES.lan, 1500)).toContain(ALL_ANSWERED);
      const options = { address: ADDRESSES.server, port: HOST_PORT, sizeBytes: 1472, deadlineMs: 5000 };
      expect((await lan.ask("datagram", options)).intact).toBe(true);
    });

    it("carries bulk TCP unharmed", transferBothWays);
  });
});
