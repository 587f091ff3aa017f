import type { LineMeasurement } from "../../src/control/index.ts";
import type { DoctorFacts, HostFacts, Plan } from "../../src/doctor/index.ts";

/** A machine and lines with which nothing is wrong; a test changes what it is about. */
export function goodHost(change: Partial<HostFacts> = {}): HostFacts {
  return {
    tun: true,
    mayChangeNetwork: true,
    tapOffloads: { vnet: true, tso: true, uso: true },
    udp: { gso: true, gro: true },
    aes: true,
    ruleset: { nftables: [] },
    links: [],
    networks: [
      { device: "eth1", address: "192.168.101.2", network: "192.168.101.0/24" },
      { device: "eth2", address: "192.168.102.2", network: "192.168.102.0/24" },
      { device: "lan", address: "192.168.50.1", network: "192.168.50.0/24" },
      { device: "wb0", address: "10.200.0.2", network: "10.200.0.2/32" },
    ],
    ipForward: { ipv4: true, ipv6: true },
    rpFilter: { all: 0, eth1: 0, eth2: 2 },
    conntrack: { count: 100, max: 65_536 },
    wallMs: 1_800_000_000_000,
    files: [{ file: "/etc/wanbond/client.toml", mode: 0o644, changedMs: 1_799_000_000_000 }],
    ownRules: [],
    ownRoutes: [],
    ownTables: [],
    journals: [],
    liveInstances: [{ number: 0, name: "client-wb0", pid: 7 }],
    udpPorts: [],
    ...change,
  };
}

export function goodPlan(change: Partial<Plan> = {}): Plan {
  return {
    role: "client",
    tap: "wb0",
    routed: true,
    forwards: true,
    forwards6: false,
    networks: [
      { what: "the LAN", kind: "lan", network: "192.168.50.0/24" },
      { what: "the bond's address", kind: "bond", network: "10.200.0.2/32" },
    ],
    uplinks: [
      { name: "isp1", device: "eth1", mtu: "auto", speedKbps: null },
      { name: "isp2", device: "eth2", mtu: "auto", speedKbps: null },
    ],
    ports: [51900],
    tapMtu: "auto",
    files: [],
    stateDirectories: [],
    ...change,
  };
}

export function goodLine(change: Partial<LineMeasurement> = {}): LineMeasurement {
  const rate = { kbps: 20_000, saturated: true, lossRatio: 0.3, queueMs: 60, offeredKbps: 30_000, bytes: 3_000_000 };
  return {
    name: "isp1",
    device: "eth1",
    metered: false,
    unusable: null,
    local: "192.168.101.2:40000",
    remote: "203.0.113.10:51900",
    seen: "198.51.100.7:40000",
    gateway: "192.168.101.1",
    answers: true,
    memberUp: true,
    otherwise: null,
    nat: { secondPort: 51_901, secondSeen: "198.51.100.7:40000" },
    mapping: { atLeastMs: 40_000, belowMs: null, triedMs: 40_000 },
    mtu: { upBytes: 1500, downBytes: 1500, exact: true, deviceBytes: 1500, triedBytes: 1500 },
    roundTrips: { sent: 120, answered: 120, minMs: 20, medianMs: 21, p95Ms: 24, pdvMs: 4 },
    capacity: { up: rate, down: rate },
    sharedWith: [],
    clockSkewMs: 12,
    clockErrorMs: 10,
    farVersion: "0.1.0",
    ...change,
  };
}

export function goodFacts(change: Partial<DoctorFacts> = {}): DoctorFacts {
  return {
    plan: goodPlan(),
    host: goodHost(),
    program: { pid: 7, uptimeMs: 60_000, drops: {}, bonds: [{ peer: "concentrator", state: "up" }] },
    lines: [
      goodLine(),
      goodLine({ name: "isp2", device: "eth2", local: "192.168.102.2:40000", gateway: "192.168.102.1" }),
    ],
    unmeasured: null,
    session: true,
    ownVersion: "0.1.0",
    ...change,
  };
}
