import { describe, expect, it } from "vitest";
import { type DoctorFacts, diagnose, type HostFacts, type Plan } from "../../src/doctor/index.ts";
import { goodFacts, goodHost, goodPlan } from "./facts.ts";

/** Whatever is not ok, as "severity check: found -> mend". */
function troubles(facts: DoctorFacts): string[] {
  return diagnose(facts)
    .filter(({ severity }) => severity !== "ok")
    .map(({ severity, check, found, mend }) => `${severity} ${check}: ${found} -> ${mend}`);
}

const withHost = (change: Partial<HostFacts>, more: Partial<DoctorFacts> = {}) =>
  troubles(goodFacts({ host: goodHost(change), ...more }));

describe("a doctor of this machine", () => {
  it("has nothing to say of one with which nothing is wrong", () => {
    expect(troubles(goodFacts())).toEqual([]);
  });

  it.each<[string, Partial<HostFacts>, string]>([
    ["no tun", { tun: false }, "fault kernel: /dev/net/tun is missing -> modprobe tun"],
    ["no right to ask", { mayChangeNetwork: false }, "warning kernel: this user may not change the network"],
    ["an old kernel", { udp: { gso: false, gro: true } }, "warning kernel: the kernel lacks UDP GSO"],
    ["no AES instructions", { aes: false }, "note aes: the processor has no AES instructions"],
    ["no nft", { ruleset: null }, "note firewall: the firewall could not be looked at"],
    ["a full table of connections", { conntrack: { count: 65_000, max: 65_536 } }, "warning conntrack: 65000 of 65536"],
    [
      "a file that others may write",
      { files: [{ file: "/etc/wanbond/client.toml", mode: 0o666, changedMs: 0 }] },
      "warning files: /etc/wanbond/client.toml may be changed by others (mode 0666) -> chmod go-w /etc/wanbond/client.toml",
    ],
    [
      "a clock that went back",
      { files: [{ file: "/etc/wanbond/client.key", mode: 0o600, changedMs: 1_800_000_600_000 }] },
      "warning clock: the clock went back: /etc/wanbond/client.key was changed 600 s from now -> Set the clock by NTP",
    ],
    [
      "a strict filter of all devices",
      { rpFilter: { all: 1, eth1: 0, eth2: 2 } },
      "warning rp-filter: rp_filter is strict on eth1: what comes in by another line than the kernel's way back is dropped -> sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.eth1.rp_filter=2",
    ],
    [
      "a strict filter of one device",
      { rpFilter: { all: 0, eth1: 0, eth2: 1 } },
      "warning rp-filter: rp_filter is strict on eth2",
    ],
    [
      "forwarding that somebody switched off",
      { ipForward: { ipv4: false, ipv6: null } },
      "fault ip-forward: net.ipv4.ip_forward is off although wanbond runs",
    ],
  ])("names %s", (_what, change, expected) => {
    const found = withHost(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it("does not mind that nothing is forwarded while wanbond does not run", () => {
    const found = withHost({ ipForward: { ipv4: false, ipv6: false }, liveInstances: [] }, { program: null });
    expect(found).toEqual([expect.stringContaining("note program: wanbond client does not run")]);
  });

  it("expects of a program that does not run yet that it makes a strict filter loose", () => {
    const strict = { rpFilter: { all: 0, eth1: 1 }, liveInstances: [] };
    expect(withHost(strict, { program: null })[1]).toContain("note rp-filter: rp_filter is strict on eth1");
    const bridged = { program: null, plan: goodPlan({ routed: false }) };
    expect(withHost(strict, bridged)[1]).toContain("warning rp-filter: rp_filter is strict on eth1");
  });

  it("tells a program that does not answer from one that does not run", () => {
    expect(withHost({}, { program: null })).toEqual([
      expect.stringContaining("fault program: wanbond client runs (PID 7), but its control socket does not answer"),
    ]);
  });

  it("says why nothing was measured", () => {
    expect(troubles(goodFacts({ lines: null, unmeasured: "it speaks another version" }))).toEqual([
      expect.stringContaining("warning uplinks: the uplinks were not measured: it speaks another version"),
    ]);
  });
});

describe("overlapping networks", () => {
  it.each<[string, Partial<Plan>, Partial<HostFacts>, string]>([
    [
      "the LAN and the bond",
      {
        networks: [
          { what: "the LAN", kind: "lan", network: "10.0.0.0/8" },
          { what: "the bond's address", kind: "bond", network: "10.200.0.2/32" },
        ],
      },
      {},
      "fault addresses: the LAN 10.0.0.0/8 overlaps the bond's address 10.200.0.2/32",
    ],
    [
      "the LAN and an uplink",
      {},
      { networks: [{ device: "eth1", address: "192.168.50.9", network: "192.168.50.0/24" }] },
      "fault addresses: the LAN 192.168.50.0/24 overlaps 192.168.50.0/24 of the uplink eth1",
    ],
    [
      "the bond and any other device",
      {},
      { networks: [{ device: "docker0", address: "10.200.0.1", network: "10.200.0.0/16" }] },
      "fault addresses: the bond's address 10.200.0.2/32 overlaps 10.200.0.0/16 of device docker0",
    ],
    [
      "two uplinks",
      {},
      {
        networks: [
          { device: "eth1", address: "192.168.8.100", network: "192.168.8.0/24" },
          { device: "eth2", address: "192.168.8.101", network: "192.168.8.0/24" },
        ],
      },
      "warning addresses: eth1 and eth2 lie in the same network 192.168.8.0/24",
    ],
    [
      "two uplinks with one address",
      {},
      {
        networks: [
          { device: "eth1", address: "192.168.8.100", network: "192.168.8.0/24" },
          { device: "eth2", address: "192.168.8.100", network: "192.168.8.0/24" },
        ],
      },
      "fault addresses: eth1 and eth2 have the same address 192.168.8.100",
    ],
  ])("of %s are named", (_what, plan, host, expected) => {
    const found = troubles(goodFacts({ plan: goodPlan(plan), host: goodHost(host) }));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });
});

describe("leftovers", () => {
  const rule = {
    family: 4,
    priority: 5264,
    from: "192.168.101.2",
    table: 18_732,
    suppressPrefixLength: null,
    protocol: 87,
  } as const;
  const route = {
    family: 4,
    destination: "default",
    table: 18_732,
    device: "eth1",
    gateway: "192.168.101.1",
    metric: 0,
    protocol: 87,
    source: null,
  } as const;

  it("are what belongs to no living program, with the commands that remove it", () => {
    const [found] = withHost({
      ownRules: [rule],
      ownRoutes: [route],
      ownTables: ["wanbond_wb7", "wanbond_wb0_direct"],
    });
    expect(found).toContain("1 rule(s) of priority 5264, 1 route(s) in table 18732, nft table(s) wanbond_wb7 ->");
    expect(found).toContain(
      "ip -4 rule del priority 5264; ip -4 route flush table 18732; nft delete table inet wanbond_wb7",
    );
  });

  it("are not what a living program has made", () => {
    const instances = [
      { number: 0, name: "client-wb0", pid: 7 },
      { number: 1, name: "concentrator-wb1", pid: 8 },
    ];
    const made = { ownRules: [rule], ownRoutes: [route], ownTables: ["wanbond_wb0", "wanbond_wb1"] };
    expect(withHost({ ...made, liveInstances: instances })).toEqual([]);
  });

  it("go by themselves when a journal names them", () => {
    const left = { ownRules: [rule], journals: ["/run/wanbond/client-wb0.journal"], liveInstances: [] };
    expect(withHost(left, { program: null })[1]).toContain("Start wanbond client and stop it again");
  });
});

describe("a doctor of a concentrator", () => {
  const concentrator = { role: "concentrator", uplinks: [], ports: [51_900] } as const;

  it("names a network of its own that is a client's LAN, too", () => {
    const networks = [{ device: "docker0", address: "192.168.50.1", network: "192.168.50.0/24" }];
    const host = goodHost({ networks, udpPorts: [51_900] });
    expect(troubles(goodFacts({ plan: goodPlan(concentrator), host }))).toEqual([
      expect.stringContaining("fault addresses: the LAN 192.168.50.0/24 overlaps 192.168.50.0/24 of device docker0"),
    ]);
  });

  it("names a port that nobody listens on, one that is taken, and handshakes that were refused", () => {
    const program = { pid: 9, uptimeMs: 1, drops: { "handshake-unknown-peer": 3 }, bonds: [] };
    expect(troubles(goodFacts({ plan: goodPlan(concentrator), host: goodHost({ networks: [] }), program }))).toEqual([
      expect.stringContaining("note program: 3 handshakes were refused as handshake-unknown-peer"),
      expect.stringContaining("fault listening: nobody listens on UDP port 51900 although wanbond runs"),
    ]);
    const taken = {
      plan: goodPlan(concentrator),
      host: goodHost({ networks: [], udpPorts: [51_900], liveInstances: [] }),
    };
    expect(troubles(goodFacts({ ...taken, program: null }))[1]).toContain("fault listening: another program listens");
  });
});
