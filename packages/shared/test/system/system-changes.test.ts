import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isRoot, makeHomeRouter, type Namespace } from "../../../../test/support/unit-namespace.ts";
import { type Change, forwardingChanges, SystemChanges, tapChanges, uplinkTable } from "../../src/system/index.ts";

const TABLE = uplinkTable(0, 0);
const rule: Change = {
  kind: "rule",
  family: 4,
  priority: 5201,
  from: "192.168.101.254",
  table: TABLE,
  suppressPrefixLength: null,
};
const route: Change = {
  kind: "route",
  family: 4,
  destination: "default",
  table: TABLE,
  device: "isp1",
  gateway: "192.168.101.1",
};
const unreachable: Change = { kind: "unreachable", family: 6, table: TABLE };
const table: Change = {
  kind: "nft",
  table: "wanbond_wb0",
  body: 'chain forward { type filter hook forward priority 0; oifname "wb0" drop; }',
};
const tap = {
  tap: "wb0",
  mtu: 1432,
  addresses: ["10.200.0.2/32", "fd00:200::2/128"],
  routes: ["10.200.0.0/24"],
  mode: "routed",
  bridge: null,
} as const;

/** One change of every kind. */
const EVERYTHING = new Map<string, Change>([
  ["x:rule", rule],
  ["x:route", route],
  ["x:unreachable6", unreachable],
  ["x:unreachable4", { ...unreachable, family: 4 }],
  ["x:nft", table],
  ...[...tapChanges(tap)].map(([key, change]): [string, Change] => [`x:${key}`, change]),
  ...[...forwardingChanges({ families: [4, 6], looseDevices: ["wb0", "isp1"], advertisedDevices: ["isp1"] })].map(
    ([key, change]): [string, Change] => [`x:${key}`, change],
  ),
]);

describe.skipIf(!isRoot)("SystemChanges in a network namespace", { timeout: 30_000 }, () => {
  let net: Namespace;
  let changes: SystemChanges;
  const open = () => new SystemChanges(net.runner, join(net.directory, "journal.json"));

  beforeEach(() => {
    net = makeHomeRouter();
    net.sh("for each in all isp1; do echo 1 > /proc/sys/net/ipv4/conf/$each/rp_filter; done");
    changes = open();
  });
  afterEach(() => net.remove());

  it("takes everything back, to the last setting", async () => {
    const before = net.dump();
    const report = await changes.reconcile("x:", EVERYTHING);
    expect(report.failed).toEqual([]);
    expect(net.dump()).not.toBe(before);
    expect(net.sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/isp1/rp_filter")).toBe("1\n2\n");
    expect(await changes.undoAll()).toEqual([]);
    expect(net.dump()).toBe(before);
  });

  it("finds nothing to do the second time", async () => {
    await changes.reconcile("x:", EVERYTHING);
    const made = net.dump();
    expect(await changes.reconcile("x:", EVERYTHING)).toEqual({ applied: [], healed: [], undone: [], failed: [] });
    expect(net.dump()).toBe(made);
  });

  it("takes back what a killed run left, of which only the journal knows", async () => {
    const before = net.dump();
    await changes.reconcile("x:", EVERYTHING);
    net.sh("ip link del wb0; ip tuntap add dev wb0 mode tap"); // a killed program's TAP is gone with all its routes
    const next = open();
    expect(await next.recover()).toEqual([]);
    expect(withoutIndices(net.dump())).toBe(withoutIndices(before));
    expect(() => readFileSync(join(net.directory, "journal.json"))).toThrow("ENOENT");
  });

  it("leaves in force what is to outlive a run, and the next run takes it back", async () => {
    const before = net.dump();
    const guards = (key: string) => key.startsWith("guard:");
    const guard = new Map<string, Change>([
      ["guard:unreachable", { ...unreachable, family: 4 }],
      ["guard:nft", table],
    ]);
    await changes.reconcile("guard:", guard);
    const guarded = net.dump();
    await changes.reconcile("x:", new Map([["x:rule", rule]]));
    expect(await changes.undoAll(guards)).toEqual([]);
    expect(net.dump()).toBe(guarded);
    const next = open();
    expect(await next.recover(guards)).toEqual([]);
    expect(net.dump()).toBe(guarded);
    expect(await next.reconcile("guard:", guard)).toEqual({ applied: [], healed: [], undone: [], failed: [] });
    await next.undoAll();
    expect(net.dump()).toBe(before);
  });

  it("has a change in the journal before it is made", async () => {
    const seen: string[] = [];
    const spy = {
      ...net.runner,
      run: (...call: Parameters<typeof net.runner.run>) => {
        if (call[1].includes("add")) seen.push(readFileSync(join(net.directory, "journal.json"), "utf8"));
        return net.runner.run(...call);
      },
    };
    await new SystemChanges(spy, join(net.directory, "journal.json")).apply("x:rule", rule);
    expect(seen[0]).toContain("192.168.101.254");
  });

  it("mends what others took away, and says so", async () => {
    await changes.reconcile("x:", EVERYTHING);
    const made = net.dump();
    net.sh(`ip rule del priority 5201; ip route flush table ${TABLE}; nft flush ruleset; ip addr flush dev wb0`);
    net.sh("ip link set wb0 mtu 1500");
    const report = await changes.reconcile("x:", EVERYTHING);
    expect(report.failed).toEqual([]);
    expect(report.healed).toEqual(
      expect.arrayContaining([
        "x:rule",
        "x:route",
        "x:unreachable4",
        "x:nft",
        "x:tap:mtu",
        "x:tap:address:10.200.0.2/32",
      ]),
    );
    expect(net.dump()).toBe(made);
  });

  it("leaves rules, routes, tables and settings of others alone", async () => {
    net.sh(`
      ip rule add from 192.168.101.254 lookup ${TABLE} priority 5201
      ip route add 10.200.0.0/24 via 192.168.50.9
      nft add table inet mine; nft add chain inet mine c
      echo 1 > /proc/sys/net/ipv4/conf/lan/forwarding
    `);
    const before = net.dump();
    const report = await changes.reconcile("x:", EVERYTHING);
    expect(report.failed).toEqual([
      { key: "x:tap:route:10.200.0.0/24", problem: expect.stringContaining("exists already. Remove it") },
    ]);
    await changes.undoAll();
    expect(net.dump()).toBe(before);
  });

  it("does not restore a setting that somebody has changed since", async () => {
    await changes.apply("loose", { kind: "reverse-path", device: "isp1" });
    net.sh("echo 0 > /proc/sys/net/ipv4/conf/isp1/rp_filter");
    await changes.undoAll();
    expect(net.sh("cat /proc/sys/net/ipv4/conf/isp1/rp_filter")).toBe("0\n");
  });

  it("replaces a gateway in one step, and remembers nothing of the old one", async () => {
    const before = net.dump();
    await changes.apply("x:route", route);
    await changes.apply("x:route", { ...route, gateway: "192.168.101.9" });
    expect(net.sh(`ip route show table ${TABLE}`).trim().split("\n")).toHaveLength(1);
    expect(net.sh(`ip route show table ${TABLE}`)).toContain("via 192.168.101.9");
    await changes.undoAll();
    expect(net.dump()).toBe(before);
  });

  it("restores the first value after a setting has changed several times", async () => {
    for (const mtu of [1432, 1400, 1280]) await changes.reconcile("tap:", tapChanges({ ...tap, mtu }));
    expect(net.sh("cat /sys/class/net/wb0/mtu")).toBe("1280\n");
    await changes.undoAll();
    expect(net.sh("cat /sys/class/net/wb0/mtu")).toBe("1500\n");
  });

  it("makes nothing half: a refused change is out of the journal, and the next call tries again", async () => {
    net.sh("ip link set isp1 down");
    const wanted = new Map([["x:route", route]]);
    const report = await changes.reconcile("x:", wanted);
    expect(report.failed).toEqual([{ key: "x:route", problem: expect.stringContaining("not up") }]);
    net.sh("ip link set isp1 up");
    expect((await changes.reconcile("x:", wanted)).applied).toEqual(["x:route"]);
  });

  it("refuses an nft table of its name that it did not make", async () => {
    net.sh("nft add table inet wanbond_wb0");
    await expect(changes.apply("nft", table)).rejects.toThrow("nft delete table inet wanbond_wb0");
    await changes.undoAll();
    expect(net.sh("nft list tables")).toBe("table inet wanbond_wb0\n");
  });

  it("makes the TAP a port of a bridge, made for it or found", async () => {
    const bridged = { ...tap, addresses: [], routes: [], mode: "bridged", bridge: "br0" } as const;
    const before = net.dump();
    await changes.reconcile("tap:", tapChanges(bridged));
    expect(net.sh("ip link show dev wb0")).toContain("master br0");
    expect(net.sh("ip link show dev wb0")).not.toContain("NOARP");
    await changes.undoAll();
    expect(net.dump()).toBe(before);

    net.sh("ip link add br0 type bridge; ip link set lan master br0");
    const found = net.dump();
    await changes.reconcile("tap:", tapChanges(bridged));
    await changes.undoAll();
    expect(net.dump()).toBe(found);
  });

  it("does not take a bridge away from ports that others put into it", async () => {
    await changes.apply("bridge", { kind: "bridge", device: "br0" });
    net.sh("ip link set lan master br0");
    await changes.undoAll();
    expect(net.sh("ip link show dev lan")).toContain("master br0");
  });
});

/** A device that was made anew has another index. */
function withoutIndices(dump: string): string {
  return dump.replaceAll(/^\d+: |link\/ether \S+/gm, "");
}
