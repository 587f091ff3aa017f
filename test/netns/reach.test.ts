import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST_PORT, Host } from "../support/host.ts";
import { isRoot, type Namespace } from "../support/netns.ts";
import { answersOfTen } from "../support/ping.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { type BondPair, INNER, type PairOptions, PORT, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";

/** Who reaches whom through a bond of two lines. */
describe.skipIf(!isRoot())("reach", () => {
  let topology: Topology;
  let pair: BondPair;
  const hosts = new Map<Namespace, Host>();

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2, ipv6: true });
    await startPlainLines(topology);
    const { lan, router, server, concentrator } = topology;
    for (const namespace of [lan, router, server, concentrator]) hosts.set(namespace, new Host(namespace));
    await Promise.all([lan, server].map((each) => host(each).ask("serve", { port: HOST_PORT })));
  });
  afterAll(async () => {
    await Promise.all([...hosts.values()].map((each) => each.stop()));
    topology?.remove();
  });

  /** Both programs run during the tests of this block. */
  function withPair(options: PairOptions = {}): void {
    beforeAll(async () => {
      pair = await preparePair(topology, options);
      await pair.start();
    });
    afterAll(async () => {
      await pair?.stop();
    });
  }

  function host(namespace: Namespace): Host {
    const found = hosts.get(namespace);
    if (found === undefined) throw new Error(`no host in ${namespace.name}`);
    return found;
  }

  function transfer(from: Namespace, address: string, direction: "up" | "down" = "down") {
    return host(from).ask("transfer", { address, port: HOST_PORT, sizeBytes: 2_000_000, direction });
  }

  describe("over IPv4", () => {
    withPair();

    describe.each([
      ["IPv4", ADDRESSES.server, ADDRESSES.concentrator, INNER.concentrator],
      ["IPv6 by NAT66", ADDRESSES.server6, ADDRESSES.concentrator6, INNER.concentrator6],
    ])("%s", (_, server, publicAddress, innerAddress) => {
      it("answers pings", async () => {
        expect(await answersOfTen(topology.lan, server)).toBe(10);
      });

      it.each(["up", "down"] as const)(
        "carries TCP %s unharmed, from the concentrator's address",
        async (direction) => {
          const result = await transfer(topology.lan, server, direction);
          expect(result).toEqual({ intact: true, seenFrom: publicAddress });
        },
      );

      it.each([1, 1200, 1300, 8000])("carries datagrams of %d bytes and their answers", async (sizeBytes) => {
        const options = { address: server, port: HOST_PORT, sizeBytes, deadlineMs: 5000 };
        expect(await host(topology.lan).ask("datagram", options)).toEqual({ intact: true, seenFrom: publicAddress });
      });

      it("carries the router's own traffic", async () => {
        expect(await transfer(topology.router, server)).toEqual({ intact: true, seenFrom: publicAddress });
      });

      it("lets LAN and router reach the concentrator inside", async () => {
        expect(await answersOfTen(topology.lan, innerAddress)).toBe(10);
        expect(await answersOfTen(topology.router, innerAddress)).toBe(10);
      });
    });

    it.each([ADDRESSES.lan, ADDRESSES.lan6])("routes the concentrator to the LAN host %s", async (address) => {
      const seenFrom = address === ADDRESSES.lan ? INNER.concentrator : INNER.concentrator6;
      expect(await transfer(topology.concentrator, address, "up")).toEqual({ intact: true, seenFrom });
    });

    it.each([
      ["192.168.50.1", ADDRESSES.lan],
      ["fd00:50::1", ADDRESSES.lan6],
    ])("leaves the LAN in reach of the router %s", async (routerAddress, lanAddress) => {
      expect(await answersOfTen(topology.lan, routerAddress)).toBe(10);
      expect(await answersOfTen(topology.router, lanAddress)).toBe(10);
    });

    it("lets a LAN host talk to the address that an uplink has", async () => {
      expect(await answersOfTen(topology.lan, topology.uplinks[1]?.address ?? "")).toBe(10);
    });

    it("carries the tunnel's own packets over the lines, each over its own", async () => {
      const { members } = (await pair.client.status()).bonds[0] ?? { members: [] };
      expect(members.map(({ device, local }) => [device, local?.split(":")[0]])).toEqual([
        ["isp1", "192.168.101.2"],
        ["isp2", "192.168.102.2"],
      ]);
      const there = (await pair.concentrator.status()).bonds[0]?.members ?? [];
      expect(there.map(({ remote }) => remote?.split(":")[0])).toEqual(["198.18.1.2", "198.18.2.2"]);
    });

    it("never sends the tunnel's own packets into the tunnel", async () => {
      const seen = async (device: string) => {
        const text = await topology.router.exec(["nft", "-j", "list", "counter", "inet", "spy", device]);
        const listing: { nftables: { counter?: { packets: number } }[] } = JSON.parse(text);
        return listing.nftables.flatMap(({ counter }) => counter?.packets ?? []);
      };
      const rules = ["wb0", "isp1", "isp2"].map(
        (device) => `oifname ${device} udp dport ${PORT} counter name ${device}`,
      );
      await topology.router.nft(`table inet spy {
        counter wb0 {}
        counter isp1 {}
        counter isp2 {}
        chain leaving { type filter hook postrouting priority 0; ${rules.join("; ")}; }
      }`);
      await transfer(topology.lan, ADDRESSES.server);
      expect(await seen("wb0")).toEqual([0]);
      const [first = 0, second = 0] = [...(await seen("isp1")), ...(await seen("isp2"))];
      expect(first + second).toBeGreaterThan(0);
      await topology.router.nft("delete table inet spy");
    });
  });

  describe("over IPv6", () => {
    withPair({ endpoints: [`[${ADDRESSES.concentrator6}]:${PORT}`] });

    it("carries both families", async () => {
      const { members } = (await pair.client.status()).bonds[0] ?? { members: [] };
      expect(members.map(({ local }) => local?.split("]")[0])).toEqual(["[2001:db8:101::2", "[2001:db8:102::2"]);
      expect(await transfer(topology.lan, ADDRESSES.server)).toEqual({
        intact: true,
        seenFrom: ADDRESSES.concentrator,
      });
      const six = await transfer(topology.lan, ADDRESSES.server6, "up");
      expect(six).toEqual({ intact: true, seenFrom: ADDRESSES.concentrator6 });
    });
  });

  describe("with an IPv6 prefix that is routed to the concentrator", () => {
    beforeAll(() => topology.core.ip(`route add ${ADDRESSES.lanNetwork6} via ${ADDRESSES.concentrator6}`));
    afterAll(() => topology.core.ip(`route del ${ADDRESSES.lanNetwork6}`));
    withPair({ concentrator: { nat66: false } });

    it("shows LAN hosts with their own addresses, and lets the server reach them", async () => {
      expect(await transfer(topology.lan, ADDRESSES.server6)).toEqual({ intact: true, seenFrom: ADDRESSES.lan6 });
      expect(await transfer(topology.server, ADDRESSES.lan6)).toEqual({ intact: true, seenFrom: ADDRESSES.server6 });
    });
  });

  describe("with a concentrator known by its name", () => {
    const folder = mkdtempSync(join(tmpdir(), "wanbond-hosts-"));
    const hostsFile = join(folder, "hosts");
    const resolverFile = join(folder, "resolv.conf");
    const mounts = `mount --bind ${hostsFile} /etc/hosts && mount --bind ${resolverFile} /etc/resolv.conf`;
    const clientPrefix = ["unshare", "--mount", "sh", "-c", `${mounts} && exec "$@"`, "sh"];
    afterAll(() => rmSync(folder, { recursive: true }));

    it("waits for the name, and connects when it has an address", async () => {
      writeFileSync(hostsFile, "");
      writeFileSync(resolverFile, "nameserver 127.0.0.1\n"); // Nobody is there.
      pair = await preparePair(topology, { clientPrefix, endpoints: [`concentrator.example:${PORT}`] });
      try {
        await Promise.all([pair.concentrator.start(), pair.client.start()]);
        await waitFor(() => pair.client.events("name-not-found").length > 0, { what: "the name is missed" });
        writeFileSync(hostsFile, `${ADDRESSES.concentrator} concentrator.example\n`);
        await pair.waitForMembers(2);
        await waitFor(() => pair.client.events("ready").length > 0, { what: "the client is ready" });
        expect((await transfer(topology.lan, ADDRESSES.server)).intact).toBe(true);
      } finally {
        await pair.stop();
      }
    });
  });
});
