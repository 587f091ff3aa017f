import { join } from "node:path";
import { SystemChanges, uplinkTable } from "@wanbond/shared/system";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isRoot, makeHomeRouter, type Namespace } from "../../../../test/support/unit-namespace.ts";
import { reconcileLan } from "../../src/lan/index.ts";
import { readUplinkFacts, resolveUplinks, UplinkPinning } from "../../src/uplink/index.ts";

const INTERNET = "203.0.113.10";
const INTERNET6 = "2001:db8:ffff::10";
const requests = ["isp1", "isp2"].map((device) => ({ name: device, device, source: null, gateway: null }));
const UNTOUCHED = { applied: [], healed: [], undone: [], failed: [] };

describe.skipIf(!isRoot)("a home router with two uplinks", { timeout: 30_000 }, () => {
  let net: Namespace;
  let changes: SystemChanges;
  let pinning: UplinkPinning;

  beforeEach(() => {
    net = makeHomeRouter();
    changes = new SystemChanges(net.runner, join(net.directory, "journal.json"));
    pinning = new UplinkPinning(changes, 0);
  });
  afterEach(() => net.remove());

  const pin = async () => pinning.reconcile(resolveUplinks(requests, await readUplinkFacts(net.runner), ["wb0"]));
  const routeLan = async (more: Partial<Parameters<typeof reconcileLan>[2]> = {}) =>
    reconcileLan(changes, 0, {
      tap: "wb0",
      mode: "routed",
      bridge: null,
      mtu: 1432,
      addresses: ["10.200.0.2/32", "fd00:200::2/128"],
      routes: ["10.200.0.0/24"],
      defaultRoute: true,
      direct: null,
      guarded: false,
      lan: ["192.168.50.0/24"],
      uplinkDevices: ["isp1", "isp2"],
      defaultRoutes: (await readUplinkFacts(net.runner)).defaultRoutes,
      ...more,
    });
  /** The device and gateway by which a packet leaves. */
  const way = (question: string) =>
    /(?:via (\S+) )?dev (\S+)/
      .exec(net.sh(`ip route get ${question}`).replace(/^.* from \S+ /, ""))
      ?.slice(1)
      .join(" ");

  it("sends each uplink's datagrams by that uplink, whatever the default route", async () => {
    expect((await pin()).failed).toEqual([]);
    expect(way(`${INTERNET} from 192.168.101.254`)).toBe("192.168.101.1 isp1");
    expect(way(`${INTERNET} from 192.168.102.254`)).toBe("192.168.102.1 isp2");
    expect(way(`${INTERNET} from 192.168.102.254 oif isp2`)).toBe("192.168.102.1 isp2");
    expect(way(`${INTERNET6} from 2001:db8:1::2`)).toBe("fe80::1 isp1");
    expect(net.sh("ip rule")).toContain(`from 192.168.102.254 lookup ${uplinkTable(0, 1)}`);
  });

  it("answers LAN hosts that speak to an uplink's address by the LAN", async () => {
    await pin();
    expect(way("192.168.50.7 from 192.168.101.254")).toBe(" lan");
  });

  it("leads everything else into the tunnel, and never the tunnel's own datagrams", async () => {
    const before = net.dump();
    await pin();
    expect((await routeLan()).failed).toEqual([]);
    expect(way(INTERNET)).toBe(" wb0");
    expect(way(INTERNET6)).toBe(" wb0");
    expect(way(`${INTERNET} from 192.168.50.7 iif lan`)).toBe(" wb0");
    expect(way(`${INTERNET} from 192.168.101.254`)).toBe("192.168.101.1 isp1");
    expect(way(`${INTERNET} from 192.168.102.254 oif isp2`)).toBe("192.168.102.1 isp2");
    expect(way(`${INTERNET6} from 2001:db8:1::2`)).toBe("fe80::1 isp1");
    expect(way("192.168.50.7")).toBe(" lan");
    expect(way("192.168.101.1")).toBe(" isp1");
    expect(await pin()).toEqual(UNTOUCHED);
    expect(await routeLan()).toEqual(UNTOUCHED);
    await changes.undoAll();
    expect(net.dump()).toBe(before);
  });

  it("leads everything out of one uplink directly, and back, with a route at every moment", async () => {
    const before = net.dump();
    await pin();
    await routeLan();
    const bonded = net.dump();
    const [isp1 = null, isp2 = null] = resolveUplinks(requests, await readUplinkFacts(net.runner), ["wb0"]);
    expect((await routeLan({ direct: isp1 })).failed).toEqual([]);
    expect(way(INTERNET)).toBe("192.168.101.1 isp1");
    expect(way(`${INTERNET} from 192.168.50.7 iif lan`)).toBe("192.168.101.1 isp1");
    expect(way(INTERNET6)).toBe("fe80::1 isp1");
    expect(await routeLan({ direct: isp1 })).toEqual(UNTOUCHED);
    // The second has no IPv6: it is refused, not led astray.
    expect((await routeLan({ direct: isp2 })).failed).toEqual([]);
    expect(way(INTERNET)).toBe("192.168.102.1 isp2");
    expect(() => way(INTERNET6)).toThrow("No route to host");
    expect((await routeLan()).failed).toEqual([]);
    expect(net.dump()).toBe(bonded);
    await changes.undoAll();
    expect(net.dump()).toBe(before);
  });

  it("leads everything out directly before the tunnel has any address", async () => {
    await pin();
    const [isp1 = null] = resolveUplinks(requests, await readUplinkFacts(net.runner), ["wb0"]);
    const nothing = { addresses: [], routes: [], defaultRoute: false, lan: ["192.168.50.0/24", "fd00:50::/64"] };
    expect((await routeLan({ ...nothing, direct: isp1 })).failed).toEqual([]);
    expect(way(`${INTERNET} from 192.168.50.7 iif lan`)).toBe("192.168.101.1 isp1");
    expect(way(INTERNET6)).toBe("fe80::1 isp1");
    expect(net.sh("cat /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/ip_forward")).toBe("1\n1\n");
  });

  it("gives the LAN's IPv6 its own way as long as the tunnel has no IPv6", async () => {
    await pin();
    await routeLan({ addresses: ["10.200.0.2/32"] });
    expect(way(INTERNET6)).toBe("fe80::1 isp1");
    expect(net.sh("cat /proc/sys/net/ipv6/conf/all/forwarding")).toBe("0\n");
  });

  it("lets strict reverse-path filters of uplinks be loose, and strict again afterwards", async () => {
    net.sh("echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter");
    const before = net.dump();
    await routeLan();
    const value = (device: string) => net.sh(`cat /proc/sys/net/ipv4/conf/${device}/rp_filter`).trim();
    expect(["wb0", "isp1", "isp2", "lan"].map(value)).toEqual(["2", "2", "2", "0"]);
    await changes.undoAll();
    expect(net.dump()).toBe(before);
  });

  it("keeps advertised IPv6 default routes when it begins to forward", async () => {
    net.sh("ip -6 route del default; ip -6 route add default via fe80::1 dev isp1 proto ra");
    await routeLan();
    expect(net.sh("cat /proc/sys/net/ipv6/conf/isp1/accept_ra")).toBe("2\n");
    expect(net.sh("cat /proc/sys/net/ipv6/conf/isp2/accept_ra")).toBe("1\n");
  });

  it("tells two lines of the same address apart by the device, as two sticks of one make are", async () => {
    net.sh(`
      ip addr flush dev isp1; ip addr flush dev isp2
      for device in isp1 isp2; do ip addr add 192.168.8.100/24 dev $device; done
      ip route add default via 192.168.8.1 dev isp1 metric 100; ip route add default via 192.168.8.1 dev isp2 metric 200
    `);
    expect((await pin()).failed).toEqual([]);
    for (const device of ["isp1", "isp2"]) {
      expect(way(`${INTERNET} from 192.168.8.100 oif ${device}`)).toBe(`192.168.8.1 ${device}`);
      expect(way(`192.168.8.1 from 192.168.8.100 oif ${device}`)).toBe(` ${device}`);
    }
  });

  it("follows a new address and gateway and leaves nothing of the old", async () => {
    await pin();
    net.sh(`
      ip addr flush dev isp1; ip addr add 172.20.0.9/16 dev isp1; ip route add default via 172.20.0.1 dev isp1
    `);
    await pin();
    expect(way(`${INTERNET} from 172.20.0.9`)).toBe("172.20.0.1 isp1");
    expect(net.sh("ip rule; ip -6 rule; ip route show table all")).not.toMatch(/192\.168\.101|db8:1::2/);
  });

  it("takes back what belongs to an uplink whose device is gone, and pins it again when it is back", async () => {
    await pin();
    net.sh("ip link del isp1");
    expect((await pin()).undone).toContain("uplink:isp1:rule4");
    expect(net.sh("ip rule")).not.toContain("192.168.101.254");
    net.sh(`
      ip link add isp1 type veth peer name isp1-far; ip link set isp1-far up; ip link set isp1 up
      ip addr add 192.168.101.254/24 dev isp1; ip route add default via 192.168.101.1 dev isp1 metric 100
    `);
    expect((await pin()).failed).toEqual([]);
    expect(way(`${INTERNET} from 192.168.101.254`)).toBe("192.168.101.1 isp1");
    expect(way(`${INTERNET} from 192.168.102.254`)).toBe("192.168.102.1 isp2");
  });

  it("mends rules that were flushed and routes that went down with the device", async () => {
    await pin();
    const ours = () => net.sh("ip rule; ip route show table 18700; ip route show table 18701");
    const made = ours();
    net.sh(`
      ip rule flush; ip rule add from all lookup main priority 32766; ip rule add from all lookup default priority 32767
      ip link set isp2 down; ip link set isp2 up; ip route add default via 192.168.102.1 dev isp2 metric 200
    `);
    const report = await pin();
    expect(report.healed).toEqual(expect.arrayContaining(["uplink:isp1:rule4", "uplink:isp2:default4"]));
    expect(ours()).toBe(made);
    expect(way(`${INTERNET} from 192.168.102.254`)).toBe("192.168.102.1 isp2");
  });
});
