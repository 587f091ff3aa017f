import { connectVeth, createNamespaces, type Namespace } from "./netns.ts";

/**
 * A household, its internet providers and a server, as network namespaces.
 *
 *                      ┌─ isp1 ── isp1  ═══ line 1 ═══╗
 *   lan ─── router ────┼─ isp2 ── isp2  ═══ line 2 ═══╬══ core ─── concentrator
 *   .50.10  .50.1      └─ ispN ── ispN  ═══ line N ═══╝    └────── server
 *           devices        namespaces
 *
 *   lan            192.168.50.10/24 on eth0, gateway 192.168.50.1          fd00:50::10/64
 *   router         192.168.50.1 on lan; 192.168.(100+n).2/24 on ispN        2001:db8:(100+n)::2/64
 *                  a default route per uplink, metric 100+n; it does no NAT
 *   ispN           192.168.(100+n).1 on home, 198.18.n.2 on line            2001:db8:(100+n)::1
 *                  masquerades with random ports, as a CGNAT does (IPv6 is routed); without `nat` it routes
 *   core           198.18.n.1 on ispN, 203.0.113.1 on conc, 198.51.100.1 on server
 *   concentrator   203.0.113.10/24 on eth0                                  2001:db8:203::10/64
 *   server         198.51.100.10/24 on eth0                                 2001:db8:198::10/64
 *
 * The lines between ISP and core are missing here: emulator.ts plugs them in. Every other link is a plain veth.
 */
export interface Topology {
  readonly lan: Namespace;
  readonly router: Namespace;
  readonly isps: readonly Namespace[];
  readonly core: Namespace;
  readonly concentrator: Namespace;
  readonly server: Namespace;
  readonly uplinks: readonly Uplink[];
  readonly ipv6: boolean;
  /** Whether the ISPs translate addresses; else the core has a route to everybody, the home behind the bond included. */
  readonly nat: boolean;
  remove(): void;
}

/** One uplink of the home router. */
export interface Uplink {
  /** Also the device's name in the router. */
  readonly name: string;
  readonly address: string;
  readonly gateway: string;
}

/** The devices that a line connects: `line` in the ISP's namespace, `ispN` in the core. */
export const LINE_DEVICE = "line";

export const ADDRESSES = {
  lan: "192.168.50.10",
  lanNetwork: "192.168.50.0/24",
  concentrator: "203.0.113.10",
  server: "198.51.100.10",
  lan6: "fd00:50::10",
  lanNetwork6: "fd00:50::/64",
  concentrator6: "2001:db8:203::10",
  server6: "2001:db8:198::10",
} as const;

/** What lies behind the concentrator: the LAN and every tunnel's own addresses. */
const TUNNELLED_NETWORKS = [ADDRESSES.lanNetwork, "10.200.0.0/24"];

export interface TopologyOptions {
  readonly uplinkCount: number;
  /** IPv6 beside IPv4 everywhere. Default false. */
  readonly ipv6?: boolean;
  /** Default true. */
  readonly nat?: boolean;
}

export async function buildTopology(options: TopologyOptions): Promise<Topology> {
  const { ipv6 = false, nat = true } = options;
  const uplinks = Array.from({ length: options.uplinkCount }, (_, index) => uplinkOf(index + 1));
  const names = ["lan", "router", "core", "concentrator", "server", ...uplinks.map((uplink) => uplink.name)];
  const [lan, router, core, concentrator, server, ...isps] = await createNamespaces(names);
  if (!lan || !router || !core || !concentrator || !server)
    throw new Error("unreachable: five namespaces were asked for");
  const remove = () => {
    for (const namespace of [lan, router, core, concentrator, server, ...isps]) namespace.remove();
  };
  const topology: Topology = { lan, router, isps, core, concentrator, server, uplinks, ipv6, nat, remove };
  try {
    await Promise.all([lan, router, core, concentrator, server, ...isps].map((each) => prepare(each, ipv6)));
    await buildHome(topology);
    await buildInternet(topology);
    for (const [index, isp] of isps.entries()) await buildIsp(topology, isp, index + 1);
  } catch (error) {
    remove();
    throw error;
  }
  return topology;
}

/** Addresses and routes of line n, once its devices stand in the ISP and in the core. */
export async function configureLine(topology: Topology, index: number): Promise<void> {
  const n = index + 1;
  const isp = topology.isps[index];
  if (isp === undefined) throw new RangeError(`line ${index} of ${topology.isps.length}`);
  await isp.ip(
    `addr add 198.18.${n}.2/24 dev ${LINE_DEVICE}`,
    `link set ${LINE_DEVICE} up`,
    `route add default via 198.18.${n}.1`,
    ...six(topology, `addr add fd00:18:${n}::2/64 dev ${LINE_DEVICE}`, `route add ::/0 via fd00:18:${n}::1`),
  );
  await topology.core.ip(
    `addr add 198.18.${n}.1/24 dev isp${n}`,
    `link set isp${n} up`,
    ...(topology.nat ? [] : [`route add 192.168.${100 + n}.0/24 via 198.18.${n}.2`]),
    ...six(
      topology,
      `addr add fd00:18:${n}::1/64 dev isp${n}`,
      `route add 2001:db8:${100 + n}::/64 via fd00:18:${n}::2`,
    ),
  );
  await introduceNeighbours(topology, isp, n);
}

function uplinkOf(n: number): Uplink {
  return { name: `isp${n}`, address: `192.168.${100 + n}.2`, gateway: `192.168.${100 + n}.1` };
}

function six(topology: Topology, ...lines: readonly string[]): readonly string[] {
  return topology.ipv6 ? lines : [];
}

async function prepare(namespace: Namespace, ipv6: boolean): Promise<void> {
  await namespace.sysctl({
    "net.ipv6.conf.all.disable_ipv6": ipv6 ? 0 : 1,
    "net.ipv6.conf.default.disable_ipv6": ipv6 ? 0 : 1,
    "net.ipv6.conf.default.accept_dad": 0, // Addresses are usable at once.
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
  });
}

async function buildHome(topology: Topology): Promise<void> {
  const { lan, router } = topology;
  await connectVeth(lan, "eth0", router, "lan");
  await lan.ip(
    `addr add ${ADDRESSES.lan}/24 dev eth0`,
    "route add default via 192.168.50.1",
    ...six(topology, `addr add ${ADDRESSES.lan6}/64 dev eth0`, "route add ::/0 via fd00:50::1"),
  );
  await router.ip("addr add 192.168.50.1/24 dev lan", ...six(topology, "addr add fd00:50::1/64 dev lan"));
  // Loose, as systemd sets it on Debian.
  await router.sysctl({ "net.ipv4.conf.all.rp_filter": 2, "net.ipv4.conf.default.rp_filter": 2 });
}

async function buildInternet(topology: Topology): Promise<void> {
  const { core, concentrator, server } = topology;
  await forwarding(topology, core);
  await connectVeth(core, "conc", concentrator, "eth0");
  await connectVeth(core, "server", server, "eth0");
  await core.ip(
    "addr add 203.0.113.1/24 dev conc",
    "addr add 198.51.100.1/24 dev server",
    ...(topology.nat ? [] : TUNNELLED_NETWORKS.map((network) => `route add ${network} via ${ADDRESSES.concentrator}`)),
    ...six(topology, "addr add 2001:db8:203::1/64 dev conc", "addr add 2001:db8:198::1/64 dev server"),
  );
  await concentrator.ip(
    `addr add ${ADDRESSES.concentrator}/24 dev eth0`,
    "route add default via 203.0.113.1",
    ...six(topology, `addr add ${ADDRESSES.concentrator6}/64 dev eth0`, "route add ::/0 via 2001:db8:203::1"),
  );
  await server.ip(
    `addr add ${ADDRESSES.server}/24 dev eth0`,
    "route add default via 198.51.100.1",
    ...six(topology, `addr add ${ADDRESSES.server6}/64 dev eth0`, "route add ::/0 via 2001:db8:198::1"),
  );
}

async function buildIsp(topology: Topology, isp: Namespace, n: number): Promise<void> {
  const { router } = topology;
  const prefix6 = `2001:db8:${100 + n}:`;
  await connectVeth(router, `isp${n}`, isp, "home");
  await router.ip(
    `addr add 192.168.${100 + n}.2/24 dev isp${n}`,
    `route add default via 192.168.${100 + n}.1 dev isp${n} metric ${100 + n}`,
    ...six(
      topology,
      `addr add ${prefix6}:2/64 dev isp${n}`,
      `route add ::/0 via ${prefix6}:1 dev isp${n} metric ${100 + n}`,
    ),
  );
  await isp.ip(`addr add 192.168.${100 + n}.1/24 dev home`, ...six(topology, `addr add ${prefix6}:1/64 dev home`));
  await forwarding(topology, isp);
  if (!topology.nat) return;
  await isp.nft(`table ip cgnat {
    chain postrouting { type nat hook postrouting priority srcnat; oifname "${LINE_DEVICE}" masquerade random; }
  }`);
}

async function forwarding(topology: Topology, namespace: Namespace): Promise<void> {
  await namespace.sysctl({ "net.ipv4.ip_forward": 1, ...(topology.ipv6 && { "net.ipv6.conf.all.forwarding": 1 }) });
}

/** No ARP or neighbour discovery on the lines: their answers would be lost, late and cut like everything else there. */
async function introduceNeighbours(topology: Topology, isp: Namespace, n: number): Promise<void> {
  const ispAddress = await macAddress(isp, LINE_DEVICE);
  const coreAddress = await macAddress(topology.core, `isp${n}`);
  await isp.ip(
    `neigh replace 198.18.${n}.1 lladdr ${coreAddress} dev ${LINE_DEVICE} nud permanent`,
    ...six(topology, `neigh replace fd00:18:${n}::1 lladdr ${coreAddress} dev ${LINE_DEVICE} nud permanent`),
  );
  await topology.core.ip(
    `neigh replace 198.18.${n}.2 lladdr ${ispAddress} dev isp${n} nud permanent`,
    ...six(topology, `neigh replace fd00:18:${n}::2 lladdr ${ispAddress} dev isp${n} nud permanent`),
  );
}

async function macAddress(namespace: Namespace, device: string): Promise<string> {
  return (await namespace.exec(["cat", `/sys/class/net/${device}/address`])).trim();
}
