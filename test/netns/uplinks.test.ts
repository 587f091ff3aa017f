import type { MemberStatus } from "@wanbond/shared/control";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectVeth, isRoot, type Namespace } from "../support/netns.ts";
import { untilAnswers } from "../support/ping.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { isUsable, type Program } from "../support/program.ts";
import { type BondPair, type PairOptions, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

/** What happens to one line of three must not be felt on the others, and heals by itself. */
describe.skipIf(!isRoot())("uplinks", () => {
  let topology: Topology;
  let pair: BondPair;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 3 });
    await startPlainLines(topology);
  });
  afterAll(() => topology?.remove());

  function withPair(options: PairOptions, memberCount = 3): void {
    beforeAll(async () => {
      pair = await preparePair(topology, options);
      await pair.start(memberCount);
    });
    afterAll(async () => {
      await pair?.stop();
    });
  }

  async function memberAt(program: Program, name: string): Promise<MemberStatus | undefined> {
    return (await program.status()).bonds[0]?.members.find((member) => member.name === name);
  }
  async function waitForMember(
    program: Program,
    name: string,
    what: string,
    fits: (member: MemberStatus) => boolean,
  ): Promise<void> {
    const isThere = async () => {
      const member = await memberAt(program, name);
      return member !== undefined && fits(member);
    };
    await waitFor(isThere, { what: `${name} ${what}`, deadlineMs: 20_000 }).catch(async (error: unknown) => {
      throw new Error(`${error}\n${JSON.stringify(await memberAt(program, name))}\n${program.transcript(20)}`);
    });
  }
  async function waitUntilUsable(name: string): Promise<void> {
    for (const program of [pair.client, pair.concentrator]) {
      await waitForMember(program, name, "is usable", ({ state }) => isUsable(state));
    }
  }
  async function waitUntilOut(name: string): Promise<void> {
    for (const program of [pair.client, pair.concentrator]) {
      await waitForMember(program, name, "is out", ({ state }) => !isUsable(state));
    }
  }
  const rules = () => topology.router.exec(["ip", "rule", "show"]);
  const defaultRoute = (n: number, gateway: string, address: string) =>
    `route replace default via 192.168.${100 + n}.${gateway} dev isp${n} metric ${100 + n} src 192.168.${100 + n}.${address}`;
  function isp(n: number): Namespace {
    const namespace = topology.isps[n - 1];
    if (namespace === undefined) throw new RangeError(`provider ${n} of ${topology.isps.length}`);
    return namespace;
  }
  const hasNoCarrier = ({ state, reason }: MemberStatus) => state === "down" && reason === "carrier";

  /** A call that goes on meanwhile misses little of it, whichever line it takes. */
  async function duringCall(act: () => Promise<void>): Promise<void> {
    const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
    await act();
    const { longestGapMs } = summarizeProbe(await probe.stop());
    expect(longestGapMs).toBeLessThan(5_000);
  }

  describe("found by their devices", () => {
    withPair({ uplink: { gateway: undefined } });
    beforeEach(async () => {
      for (const { name } of topology.uplinks) await waitUntilUsable(name);
    });

    it("go on with another address", async () => {
      const { router } = topology;
      const hasIt = ({ local }: MemberStatus) => local?.startsWith("192.168.101.77:") ?? false;
      await duringCall(async () => {
        await router.ip("addr del 192.168.101.2/24 dev isp1", "addr add 192.168.101.77/24 dev isp1");
        await router.ip(defaultRoute(1, "1", "77"));
        await waitForMember(pair.client, "isp1", "has its new address", hasIt);
        await waitUntilUsable("isp1");
      });
      expect(await rules()).toContain("from 192.168.101.77");
      expect(await rules()).not.toContain("from 192.168.101.2 ");
    });

    it("go on with another gateway", async () => {
      await isp(2).ip(
        "link set home address 02:00:00:00:02:54",
        "addr del 192.168.102.1/24 dev home",
        "addr add 192.168.102.254/24 dev home",
      );
      await waitUntilOut("isp2");
      await topology.router.ip(defaultRoute(2, "254", "2"));
      await waitUntilUsable("isp2");
      const route = await topology.router.exec(["ip", "route", "get", ADDRESSES.concentrator, "from", "192.168.102.2"]);
      expect(route).toContain("via 192.168.102.254 dev isp2");
    });

    it("come back when their device was removed and is there again, with another address", async () => {
      const { router, lan } = topology;
      await router.ip("link del isp3");
      await waitUntilOut("isp3");
      await untilAnswers(lan, ADDRESSES.server);
      await connectVeth(router, "isp3", isp(3), "home");
      await isp(3).ip("addr add 192.168.103.1/24 dev home");
      await router.ip("addr add 192.168.103.77/24 dev isp3", defaultRoute(3, "1", "77"));
      await waitUntilUsable("isp3");
      expect((await memberAt(pair.client, "isp3"))?.local).toMatch(/^192\.168\.103\.77:/);
    });

    it("leave when the device is switched off, and come back with it", async () => {
      await topology.router.ip("link set isp2 down");
      await waitForMember(pair.client, "isp2", "is out", hasNoCarrier);
      await topology.router.ip("link set isp2 up", defaultRoute(2, "254", "2"));
      await waitUntilUsable("isp2");
    });

    it("leave when the device loses its carrier, and come back with it", async () => {
      await isp(1).ip("link set home down");
      await waitForMember(pair.client, "isp1", "is out", hasNoCarrier);
      await isp(1).ip("link set home up");
      await waitUntilUsable("isp1");
    });

    it("go on from another address and port of the provider", async () => {
      const before = (await memberAt(pair.concentrator, "isp3"))?.remote;
      const isNew = ({ remote }: MemberStatus) => remote?.startsWith("198.18.3.22:") ?? false;
      await duringCall(async () => {
        // Masquerade forgets its mappings with the address.
        await isp(3).ip(
          "addr del 198.18.3.2/24 dev line",
          "addr add 198.18.3.22/24 dev line",
          "route replace default via 198.18.3.1",
        );
        await waitForMember(pair.concentrator, "isp3", "has roamed", isNew);
        await waitUntilUsable("isp3");
      });
      const events = pair.concentrator.events("roamed").filter(({ member }) => member === "isp3");
      expect(events.some(({ from }) => from === before)).toBe(true);
    });
  });

  describe("chosen automatically", () => {
    beforeAll(() => topology.router.ip("route del default dev isp3"));
    withPair({ uplink: "auto" }, 2);

    it("are the devices with a default route, also those that get one later", async () => {
      const members = async () => (await pair.client.status()).bonds[0]?.members.map(({ name }) => name);
      expect(await members()).toEqual(["isp1", "isp2"]);
      await topology.router.ip("route add default via 192.168.103.1 dev isp3 metric 103");
      await waitUntilUsable("isp3");
      await topology.router.ip("route del default dev isp3");
      await waitUntilOut("isp3");
    });
  });

  describe("with gateways given", () => {
    beforeAll(async () => {
      await isp(2).ip("addr add 192.168.102.1/24 dev home");
      await topology.router.ip("route del default dev isp1", "route del default dev isp2");
    });
    withPair({});

    it("need no default route in the system", async () => {
      expect(await topology.router.exec(["ip", "route", "show", "default"])).toBe("");
      await untilAnswers(topology.lan, ADDRESSES.server);
    });
  });
});
