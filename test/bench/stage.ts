import { connectVeth, createNamespaces, type Namespace } from "../support/netns.ts";
import { ADDRESSES, type Topology, type Uplink } from "../support/topology.ts";

/** Links between the two hosts, all plain veth pairs; a tunnel with one link uses the first. */
const LINKS = 4;

/**
 * Two hosts and the links between them, nothing else: no router, no emulated line.
 *
 *   near   10.1.n.2/24 on linkN, a default route over each        far   10.1.n.1/24 on linkN, 203.0.113.10 on lo
 */
export interface Stage {
  readonly near: Namespace;
  readonly far: Namespace;
  /** The same as the programs' preparation knows it: near is the router, far the concentrator. */
  readonly topology: Topology;
  readonly progress: (text: string) => void;
  remove(): void;
}

/** Addresses of the hosts on the first link. */
export const NEAR_LINK = "10.1.1.2";
export const FAR_LINK = "10.1.1.1";

/** Addresses inside the tunnels of others; wanbond's are its own (INNER in programs.ts). */
export const NEAR_INNER = "10.98.0.2";
export const FAR_INNER = "10.98.0.1";

export async function buildStage(progress: (text: string) => void): Promise<Stage> {
  const [near, far] = await createNamespaces(["near", "far"]);
  if (near === undefined || far === undefined) throw new Error("unreachable: two namespaces were asked for");
  const remove = () => {
    for (const namespace of [near, far]) namespace.remove();
  };
  const uplinks = Array.from({ length: LINKS }, (_, index) => uplinkOf(index + 1));
  try {
    for (const namespace of [near, far]) await prepare(namespace);
    await far.ip(`addr add ${ADDRESSES.concentrator}/32 dev lo`);
    for (const [index, { name, address, gateway }] of uplinks.entries()) {
      await connectVeth(near, name, far, name);
      await far.ip(`addr add ${gateway}/24 dev ${name}`);
      await near.ip(
        `addr add ${address}/24 dev ${name}`,
        `route add default via ${gateway} dev ${name} metric ${101 + index}`,
      );
    }
  } catch (error) {
    remove();
    throw error;
  }
  const others = { lan: near, isps: [], core: far, server: far };
  const topology = { ...others, router: near, concentrator: far, uplinks, ipv6: false, nat: true, remove };
  return { near, far, topology, progress, remove };
}

function uplinkOf(n: number): Uplink {
  return { name: `link${n}`, address: `10.1.${n}.2`, gateway: `10.1.${n}.1` };
}

async function prepare(namespace: Namespace): Promise<void> {
  await namespace.sysctl({
    "net.ipv6.conf.all.disable_ipv6": 1,
    "net.ipv6.conf.default.disable_ipv6": 1,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
  });
}
