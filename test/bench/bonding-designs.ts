import type { Namespace } from "../support/netns.ts";
import { answers } from "../support/ping.ts";
import { preparePair } from "../support/programs.ts";
import { ADDRESSES, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";
import { ARP_INTERVAL_MS } from "./bonding-result.ts";

/** Joins the home's lines; the LAN host reaches the server through it, and back. */
export interface Design {
  readonly name: string;
  /** @returns what takes it down again. */
  start(topology: Topology): Promise<() => Promise<void>>;
}

/** As one would do it without wanbond: an Ethernet tunnel per line, and the kernel's bonding driver over the tunnels. */
function kernelBond(mode: "balance-rr" | "balance-xor" | "active-backup"): Design {
  return {
    name: `kernel ${mode}`,
    async start(topology) {
      const { router, concentrator } = topology;
      await buildEnd(router, mode, { own: "10.98.0.2", far: "10.98.0.1" }, tunnelsOfRouter(topology));
      await buildEnd(concentrator, mode, { own: "10.98.0.1", far: "10.98.0.2" }, tunnelsOfConcentrator(topology));
      await router.ip(
        "route add default via 10.98.0.1 dev bond0 table 98",
        `rule add from ${ADDRESSES.lanNetwork} lookup 98 priority 98`,
      );
      await concentrator.ip(`route add ${ADDRESSES.lanNetwork} via 10.98.0.2 dev bond0`);
      await untilReached(topology);
      return async () => {
        await router.ip("rule del priority 98", "link del bond0", ...names(topology).map((name) => `link del ${name}`));
        await concentrator.ip("link del bond0", ...names(topology).map((name) => `link del ${name}`));
      };
    },
  };
}

function names({ uplinks }: Topology): string[] {
  return uplinks.map((_, index) => `gre${index + 1}`);
}

function tunnelsOfRouter(topology: Topology): string[] {
  return topology.uplinks.map(
    ({ name, address }, index) =>
      `link add gre${index + 1} type gretap local ${address} remote ${ADDRESSES.concentrator} dev ${name}`,
  );
}

function tunnelsOfConcentrator(topology: Topology): string[] {
  return topology.uplinks.map(
    ({ address }, index) => `link add gre${index + 1} type gretap local ${ADDRESSES.concentrator} remote ${address}`,
  );
}

/** A tunnel has no carrier that could fail: ARP tells which ones are alive. */
async function buildEnd(
  end: Namespace,
  mode: string,
  addresses: { readonly own: string; readonly far: string },
  tunnels: readonly string[],
): Promise<void> {
  const watch = `arp_interval ${ARP_INTERVAL_MS} arp_ip_target ${addresses.far}`;
  const hash = mode === "balance-xor" ? "xmit_hash_policy layer3+4" : "";
  await end.sysctl({ "net.ipv4.ip_forward": 1 });
  await end.ip(
    ...tunnels,
    `link add bond0 type bond mode ${mode} ${watch} ${hash}`,
    ...tunnels.map((_, index) => `link set gre${index + 1} master bond0`),
    "link set bond0 up",
    `addr add ${addresses.own}/24 dev bond0`,
  );
}

function wanbond(policy: string): Design {
  return {
    name: `wanbond ${policy}`,
    async start(topology) {
      const pair = await preparePair(topology, { bonding: { defaultBondingPolicy: policy } });
      await pair.start();
      await untilReached(topology);
      return () => pair.stop();
    },
  };
}

async function untilReached({ lan }: Topology): Promise<void> {
  await waitFor(() => answers(lan, ADDRESSES.server), { what: "the server answers the LAN host", deadlineMs: 15_000 });
}

export const DESIGNS: readonly Design[] = [
  kernelBond("balance-rr"),
  kernelBond("balance-xor"),
  kernelBond("active-backup"),
  wanbond("balance-xor"),
  wanbond("aggregate"),
];
