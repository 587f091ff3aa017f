import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST_PORT, Host } from "../support/host.ts";
import { isRoot, type Namespace } from "../support/netns.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { type BondPair, INNER, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measurePing } from "../support/traffic.ts";

/** Who reaches whom through a bond of two lines, IPv4 and IPv6 inside. */
describe.skipIf(!isRoot())("reach", () => {
  let topology: Topology;
  let pair: BondPair;
  const hosts = new Map<Namespace, Host>();

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2, ipv6: true });
    await startPlainLines(topology);
    pair = await preparePair(topology);
    const { lan, router, server, concentrator } = topology;
    for (const namespace of [lan, router, server, concentrator]) hosts.set(namespace, new Host(namespace));
    await Promise.all([pair.start(), ...[lan, server].map((each) => host(each).ask("serve", { port: HOST_PORT }))]);
  });
  afterAll(async () => {
    await Promise.all([...hosts.values()].map((each) => each.stop()));
    await pair?.stop();
    topology?.remove();
  });

  function host(namespace: Namespace): Host {
    const found = hosts.get(namespace);
    if (found === undefined) throw new Error(`no host in ${namespace.name}`);
    return found;
  }
  async function pingLoss(from: Namespace, address: string): Promise<number> {
    const { sent, received } = await measurePing(from, address, { seconds: 0.2 });
    return sent - received;
  }

  describe.each([
    ["IPv4", ADDRESSES.server, ADDRESSES.concentrator, INNER.concentrator],
    ["IPv6 by NAT66", ADDRESSES.server6, ADDRESSES.concentrator6, INNER.concentrator6],
  ])("%s", (_, server, publicAddress, innerAddress) => {
    it("answers pings", async () => {
      expect(await pingLoss(topology.lan, server)).toBe(0);
    });

    it.each(["up", "down"] as const)("carries TCP %s unharmed, from the concentrator's address", async (direction) => {
      const options = { address: server, port: HOST_PORT, sizeBytes: 8_000_000, direction };
      const result = await host(topology.lan).ask("transfer", options);
      expect(result).toEqual({ intact: true, seenFrom: publicAddress });
    });

    it.each([1, 1200, 1300, 8000])("carries datagrams of %d bytes and their answers", async (sizeBytes) => {
      const options = { address: server, port: HOST_PORT, sizeBytes, deadlineMs: 5000 };
      expect(await host(topology.lan).ask("datagram", options)).toEqual({ intact: true, seenFrom: publicAddress });
    });

    it("carries the router's own traffic", async () => {
      const options = { address: server, port: HOST_PORT, sizeBytes: 1_000_000, direction: "down" } as const;
      const result = await host(topology.router).ask("transfer", options);
      expect(result).toEqual({ intact: true, seenFrom: publicAddress });
    });

    it("lets LAN and router reach the concentrator inside", async () => {
      expect(await pingLoss(topology.lan, innerAddress)).toBe(0);
      expect(await pingLoss(topology.router, innerAddress)).toBe(0);
    });
  });

  it.each([ADDRESSES.lan, ADDRESSES.lan6])("routes the concentrator to the LAN host %s", async (address) => {
    const options = { address, port: HOST_PORT, sizeBytes: 100_000, direction: "up" } as const;
    const { seenFrom, intact } = await host(topology.concentrator).ask("transfer", options);
    expect({ intact, seenFrom }).toEqual({
      intact: true,
      seenFrom: address === ADDRESSES.lan ? INNER.concentrator : INNER.concentrator6,
    });
  });

  it.each([
    ["192.168.50.1", ADDRESSES.lan],
    ["fd00:50::1", ADDRESSES.lan6],
  ])("leaves the LAN in reach of the router %s", async (routerAddress, lanAddress) => {
    expect(await pingLoss(topology.lan, routerAddress)).toBe(0);
    expect(await pingLoss(topology.router, lanAddress)).toBe(0);
  });

  it("lets a LAN host talk to the address that an uplink has", async () => {
    expect(await pingLoss(topology.lan, topology.uplinks[1]?.address ?? "")).toBe(0);
  });

  it("carries the tunnel's own packets over the lines, each over its own", async () => {
    const { members } = (await pair.client.status()).bonds[0] ?? { members: [] };
    expect(members.map(({ device, local }) => [device, local?.split(":")[0]])).toEqual([
      ["isp1", "192.168.101.2"],
      ["isp2", "192.168.102.2"],
    ]);
    const there = (await pair.concentrator.status()).bonds[0]?.members ?? [];
    expect(there.map(({ remote }) => remote?.split(":")[0])).toEqual(["198.18.1.2", "198.18.2.2"]);
    // A packet of ours inside the tunnel would come out of it, and go to the concentrator from within.
    for (const address of [ADDRESSES.concentrator, "192.168.101.1", "192.168.102.1"]) {
      const from = topology.uplinks[1]?.address ?? "";
      const route = await topology.router.exec(["ip", "route", "get", address, "from", from]);
      expect(route).not.toContain("wb0");
    }
  });
});
