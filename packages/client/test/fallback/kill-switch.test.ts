import { join } from "node:path";
import { networkOf, nftTableName, SystemChanges, tunnelTable } from "@wanbond/shared/system";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isRoot, makeHomeRouter, type Namespace } from "../../../../test/support/unit-namespace.ts";
import { directTableBody, guardChanges } from "../../src/fallback/index.ts";
import { readUplinkFacts } from "../../src/uplink/index.ts";

const SETTINGS = {
  tap: "wb0",
  instance: 0,
  families: [4, 6],
  uplinkDevices: ["isp1", "isp2"],
  near: ["192.168.101.0/24", "2001:db8:1::/64"],
  concentrators: ["203.0.113.10", "2001:db8::10"],
} as const;

describe.skipIf(!isRoot)("on a home router", { timeout: 30_000 }, () => {
  let net: Namespace;
  let changes: SystemChanges;

  beforeEach(() => {
    net = makeHomeRouter();
    changes = new SystemChanges(net.runner, join(net.directory, "journal.json"));
  });
  afterEach(() => net.remove());

  it("the kill switch refuses what has no way through the tunnel, and is made once", async () => {
    const before = net.dump();
    expect((await changes.reconcile("guard:", guardChanges(SETTINGS))).failed).toEqual([]);
    expect(() => net.sh("ip route get 203.0.113.10")).toThrow("No route to host");
    expect(() => net.sh("ip -6 route get 2001:db8:ffff::10")).toThrow("No route to host");
    expect(net.sh("ip route get 192.168.101.1")).toContain("dev isp1");
    net.sh(`ip link set wb0 up; ip route add default dev wb0 table ${tunnelTable(0)}`);
    expect(net.sh("ip route get 203.0.113.10")).toContain("dev wb0");
    net.sh(`ip route del default dev wb0 table ${tunnelTable(0)}; ip link set wb0 down`);
    const again = await changes.reconcile("guard:", guardChanges(SETTINGS));
    expect(again).toEqual({ applied: [], healed: [], undone: [], failed: [] });
    await changes.undoAll();
    expect(net.dump()).toBe(before);
  });

  it("the kill switch's table follows the uplinks, also when there is none", async () => {
    for (const uplinkDevices of [[], ["isp1"], ["isp1", "wwan0"]]) {
      const report = await changes.reconcile("guard:", guardChanges({ ...SETTINGS, uplinkDevices }));
      expect(report.failed).toEqual([]);
      const table = net.sh(`nft list table inet ${nftTableName("wb0", "guard")}`);
      for (const device of uplinkDevices) expect(table).toContain(`"${device}"`);
    }
  });

  it.each([
    ["with a LAN of both families", ["192.168.50.0/24", "fd00:50::/64"]],
    ["without a word about the LAN", []],
  ])("the kernel takes the table of the direct fallback %s", async (_, lan) => {
    const { addresses } = await readUplinkFacts(net.runner);
    const body = directTableBody({
      tap: "wb0",
      uplinkDevices: ["isp1", "isp2"],
      lan,
      inner: ["10.200.0.2", "fd00:200::2"],
      near: addresses.map(networkOf),
      zone: tunnelTable(0),
    });
    const table = nftTableName("wb0", "direct");
    const report = await changes.reconcile("direct:", new Map([["direct:table", { kind: "nft", table, body }]]));
    expect(report.failed).toEqual([]);
    expect(net.sh(`nft list table inet ${table}`)).toContain("masquerade");
  });
});
