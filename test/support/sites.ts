import { connectVeth, createNamespaces, type Namespace } from "./netns.ts";

/**
 * Two households with two lines each, a concentrator and an office behind it. Lines are plain veth pairs: they take no time.
 *
 *   lan1 ── router1 ══ up1, up2 ══╗
 *                                 core ── concentrator ── office
 *   lan2 ── router2 ══ up1, up2 ══╝
 *
 *   routerS        up1, up2: 198.18.(10S+1).2/24, 198.18.(10S+2).2/24; lan
 *   core           the other ends: .1, on rSup1, rSup2; 203.0.113.1 on conc
 *   concentrator   203.0.113.10/24 on eth0; office
 *
 * What the devices eth0 of lan1, lan2 and office, and the other ends of their cables (lan, office) have for addresses
 * depends on the mode: see addRoutedAddresses and addBridges.
 */
export interface Sites {
  readonly homes: readonly Home[];
  readonly core: Namespace;
  readonly concentrator: Namespace;
  readonly office: Namespace;
  remove(): void;
}

export interface Home {
  /** Also the client's name: home1, home2. */
  readonly name: string;
  readonly lan: Namespace;
  readonly router: Namespace;
  /** Of the LAN host. In routed mode also its network's. */
  readonly lanAddress: string;
  readonly lanNetwork: string;
  /** Inside the tunnel. */
  readonly innerAddress: string;
  /** Gateways by device. */
  readonly uplinks: readonly { readonly device: string; readonly gateway: string }[];
}

export const SITE_ADDRESSES = { concentrator: "203.0.113.10", inner: "10.200.0.1" } as const;
/** Beside the concentrator: in routed mode an internet server, in bridged mode a host of the common network. */
export const OFFICE = { routed: "198.51.100.10", bridged: "10.9.0.1" } as const;
/** The Linux bridge that the TAP becomes a port of. */
export const BRIDGE = "br0";

export async function buildSites(): Promise<Sites> {
  const names = ["core", "concentrator", "office", "lan1", "router1", "lan2", "router2"];
  const made = await createNamespaces(names);
  const [core, concentrator, office, lan1, router1, lan2, router2] = made;
  if (!core || !concentrator || !office || !lan1 || !router1 || !lan2 || !router2)
    throw new Error("unreachable: seven namespaces were asked for");
  const homes = [homeOf(1, lan1, router1), homeOf(2, lan2, router2)];
  const remove = () => {
    for (const namespace of made) namespace.remove();
  };
  try {
    await Promise.all(made.map(prepare));
    await core.sysctl({ "net.ipv4.ip_forward": 1 });
    await connectVeth(core, "conc", concentrator, "eth0");
    await core.ip("addr add 203.0.113.1/24 dev conc");
    await concentrator.ip("addr add 203.0.113.10/24 dev eth0", "route add default via 203.0.113.1");
    await connectVeth(concentrator, "office", office, "eth0");
    for (const [index, home] of homes.entries()) await connectHome(core, home, index + 1);
  } catch (error) {
    remove();
    throw error;
  }
  return { homes, core, concentrator, office, remove };
}

/** Each LAN is a network of its own, and the office is where the internet is. */
export async function addRoutedAddresses({ homes, concentrator, office }: Sites): Promise<void> {
  for (const { lan, router, lanAddress } of homes) {
    const gateway = lanAddress.replace(/\.10$/, ".1");
    await router.ip(`addr add ${gateway}/24 dev lan`);
    await lan.ip(`addr add ${lanAddress}/24 dev eth0`, `route add default via ${gateway}`);
  }
  await concentrator.ip("addr add 198.51.100.1/24 dev office");
  await office.ip(`addr add ${OFFICE.routed}/24 dev eth0`, "route add default via 198.51.100.1");
}

/** Both LANs and the office are one network, 10.9.0.0/24: each joined to the TAP by a bridge. */
export async function addBridges({ homes, concentrator, office }: Sites): Promise<void> {
  await makeBridge(concentrator, "office");
  await office.ip(`addr add ${OFFICE.bridged}/24 dev eth0`);
  for (const [index, { lan, router }] of homes.entries()) {
    await makeBridge(router, "lan");
    await lan.ip(`addr add ${bridgedAddress(index)}/24 dev eth0`);
  }
}

/** Of the LAN host in bridged mode. @param home from 0. */
export function bridgedAddress(home: number): string {
  return `10.9.0.${11 + home}`;
}

async function makeBridge(namespace: Namespace, port: string): Promise<void> {
  await namespace.ip(
    `link add ${BRIDGE} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    `link set ${port} master ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  );
}

function homeOf(n: number, lan: Namespace, router: Namespace): Home {
  const lanNetwork = `192.168.${60 + n}.0/24`;
  const uplinks = [1, 2].map((uplink) => ({ device: `up${uplink}`, gateway: `198.18.${10 * n + uplink}.1` }));
  const addresses = { lanAddress: `192.168.${60 + n}.10`, lanNetwork, innerAddress: `10.200.0.${1 + n}` };
  return { name: `home${n}`, lan, router, ...addresses, uplinks };
}

async function connectHome(core: Namespace, { lan, router, uplinks }: Home, n: number): Promise<void> {
  await connectVeth(lan, "eth0", router, "lan");
  for (const [index, { device, gateway }] of uplinks.entries()) {
    await connectVeth(router, device, core, `r${n}${device}`);
    await core.ip(`addr add ${gateway}/24 dev r${n}${device}`);
    await router.ip(
      `addr add ${gateway.replace(/\.1$/, ".2")}/24 dev ${device}`,
      `route add default via ${gateway} metric ${101 + index}`,
    );
  }
}

/** No IPv6, so that nobody says anything of his own accord. */
async function prepare(namespace: Namespace): Promise<void> {
  await namespace.sysctl({
    "net.ipv6.conf.all.disable_ipv6": 1,
    "net.ipv6.conf.default.disable_ipv6": 1,
    "net.ipv4.conf.all.rp_filter": 2,
    "net.ipv4.conf.default.rp_filter": 2,
  });
}
