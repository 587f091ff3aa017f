import {
  advertisedDevices,
  type Change,
  contains,
  forwardingChanges,
  mergeReports,
  nftTableName,
  parsePrefix,
  type ReconcileReport,
  type RouteFact,
  type SystemChanges,
  tapChanges,
  tunnelRoute,
} from "@wanbond/shared/system";
import { natTableBody } from "./nat-table.ts";

/** Addresses inside the tunnel that belong to one client. */
interface ClientNetworks {
  readonly name: string;
  /** Single hosts, with prefix length. */
  readonly addresses: readonly string[];
  /** Networks behind it. */
  readonly routes: readonly string[];
}

/** What the internet side of the tunnel is to be like; clients and MTU may change while we run. */
export interface ConcentratorNetwork {
  readonly tap: string;
  readonly mode: "routed" | "bridged";
  readonly bridge: string | null;
  readonly mtu: number;
  /** Of the TAP, with prefix length. */
  readonly addresses: readonly string[];
  readonly nat: boolean;
  readonly nat66: boolean;
  readonly clientToClient: boolean;
  readonly clients: readonly ClientNetworks[];
  /** Default routes of the system (readDefaultRoutes). */
  readonly defaultRoutes: readonly RouteFact[];
}

/** Makes TAP, clients' routes, forwarding and NAT be as wanted, and mends what got lost (nft flush ruleset, for one). */
export async function reconcileNetwork(changes: SystemChanges, network: ConcentratorNetwork): Promise<ReconcileReport> {
  const isRouted = network.mode === "routed";
  return mergeReports([
    await changes.reconcile("tap:", tapChanges({ ...network, routes: [] })),
    await changes.reconcile("client:", isRouted ? clientRoutes(network) : new Map()),
    await changes.reconcile("forward:", isRouted ? forwarding(network) : new Map()),
    await changes.reconcile("nat:", isRouted ? natTable(network) : new Map()),
  ]);
}

/** Routes for what the TAP's own networks do not cover. */
function clientRoutes({ tap, addresses, clients }: ConcentratorNetwork): Map<string, Change> {
  const routes = new Map<string, Change>();
  for (const client of clients) {
    const outside = client.addresses.filter((address) => !addresses.some((own) => contains(own, hostOf(address))));
    for (const network of [...outside, ...client.routes]) {
      routes.set(`client:${client.name}:${network}`, tunnelRoute(tap, network));
    }
  }
  return routes;
}

function forwarding({ tap, addresses, defaultRoutes }: ConcentratorNetwork): Map<string, Change> {
  return forwardingChanges({
    families: [...new Set(addresses.map((address) => parsePrefix(address).family))],
    looseDevices: [tap],
    advertisedDevices: advertisedDevices(defaultRoutes),
  });
}

function natTable(network: ConcentratorNetwork): Map<string, Change> {
  const sources = network.clients.flatMap(({ addresses, routes }) => [...addresses, ...routes]);
  const body = natTableBody({ ...network, sources });
  return new Map([["nat:table", { kind: "nft", table: nftTableName(network.tap), body }]]);
}

function hostOf(address: string): string {
  return parsePrefix(address).address;
}
