import { join } from "node:path";
import { SystemChanges } from "@wanbond/shared/system";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isRoot, makeNamespace, type Namespace } from "../../../../test/support/unit-namespace.ts";
import { type ConcentratorNetwork, reconcileNetwork } from "../../src/nat/index.ts";
import { natTableBody } from "../../src/nat/nat-table.ts";

const home = { name: "home1", addresses: ["10.200.0.2/32"], routes: ["192.168.50.0/24"] };
const farm = { name: "farm", addresses: ["10.77.0.5/32", "2001:db8:7::5/128"], routes: ["2001:db8:7:50::/64"] };
const network: ConcentratorNetwork = {
  tap: "wb0",
  mode: "routed",
  bridge: null,
  mtu: 1432,
  addresses: ["10.200.0.1/24", "fd00:200::1/64"],
  nat: true,
  nat66: false,
  clientToClient: false,
  clients: [home, farm],
  defaultRoutes: [],
};

describe("natTableBody", () => {
  const settings = { tap: "wb0", nat: true, nat66: true, clientToClient: true, sources: ["10.0.0.2/32", "fd00::/64"] };

  it("masquerades each IP version on its own", () => {
    expect(natTableBody(settings)).toMatch(/ip saddr @sources4 masquerade[\s\S]*ip6 saddr @sources6 masquerade/);
    expect(natTableBody({ ...settings, nat: false })).not.toContain("ip saddr");
    expect(natTableBody({ ...settings, nat66: false })).not.toContain("ip6 saddr");
  });

  it("is the same text whatever the order of the clients, so that nothing is replaced without a reason", () => {
    const sources = ["10.0.0.3/32", "10.0.0.2/32", "10.0.0.3/32"];
    expect(natTableBody({ ...settings, sources })).toBe(natTableBody({ ...settings, sources: sources.toReversed() }));
  });
});

describe.skipIf(!isRoot)("a concentrator's network", { timeout: 30_000 }, () => {
  let net: Namespace;
  let changes: SystemChanges;

  beforeEach(() => {
    net = makeNamespace();
    net.sh(`
      ip link add eth0 type veth peer name eth0-far; ip link set eth0-far up; ip link set eth0 up
      ip addr add 203.0.113.10/24 dev eth0; ip route add default via 203.0.113.1
      ip tuntap add dev wb0 mode tap
      nft add table ip others; nft add chain ip others c
    `);
    changes = new SystemChanges(net.runner, join(net.directory, "journal.json"));
  });
  afterEach(() => net.remove());

  it("routes, forwards and masquerades, and takes everything back", async () => {
    const before = net.dump();
    expect((await reconcileNetwork(changes, network)).failed).toEqual([]);
    const made = net.dump();
    expect(net.sh("ip route")).toMatch(
      /10\.77\.0\.5 dev wb0[\s\S]*10\.200\.0\.0\/24 dev wb0[\s\S]*192\.168\.50\.0\/24 dev wb0/,
    );
    expect(net.sh("ip -6 route")).toContain("2001:db8:7:50::/64 dev wb0");
    expect(net.sh("ip route")).not.toContain("10.200.0.2");
    expect(net.sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding")).toBe("1\n1\n");
    expect(net.sh("nft list table inet wanbond_wb0")).toContain(
      'iifname "wb0" oifname != "wb0" ip saddr @sources4 masquerade',
    );
    expect(await reconcileNetwork(changes, network)).toEqual({ applied: [], healed: [], undone: [], failed: [] });
    expect(net.dump()).toBe(made);
    expect(await changes.undoAll()).toEqual([]);
    expect(net.dump()).toBe(before);
  });

  it("adds and removes a client while it runs", async () => {
    await reconcileNetwork(changes, { ...network, clients: [home] });
    expect(net.sh("ip route")).not.toContain("10.77.0.5");
    await reconcileNetwork(changes, network);
    expect(net.sh("ip route")).toContain("10.77.0.5 dev wb0");
    expect(net.sh("nft list set inet wanbond_wb0 sources4")).toContain("10.77.0.5");
    await reconcileNetwork(changes, { ...network, clients: [farm] });
    expect(net.sh("ip route")).not.toContain("192.168.50.0");
    expect(net.sh("nft list set inet wanbond_wb0 sources4")).not.toContain("192.168.50.0");
  });

  it("has its NAT back after a firewall was loaded that flushes everything", async () => {
    await reconcileNetwork(changes, network);
    net.sh("nft flush ruleset");
    expect((await reconcileNetwork(changes, network)).healed).toEqual(["nat:table"]);
    expect(net.sh("nft list ruleset")).toContain("masquerade");
  });

  it("leaves routing and NAT alone in bridged mode", async () => {
    const bridged = { ...network, mode: "bridged", bridge: "br0", addresses: [], clients: [] } as const;
    expect((await reconcileNetwork(changes, bridged)).failed).toEqual([]);
    expect(net.sh("nft list tables")).toBe("table ip others\n");
    expect(net.sh("cat /proc/sys/net/ipv4/ip_forward")).toBe("0\n");
    expect(net.sh("ip link show dev wb0")).toContain("master br0");
  });
});
