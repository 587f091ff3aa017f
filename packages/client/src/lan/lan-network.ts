import {
  advertisedDevices,
  type Change,
  forwardingChanges,
  mergeReports,
  parsePrefix,
  type ReconcileReport,
  type RouteFact,
  type SystemChanges,
  tapChanges,
} from "@wanbond/shared/system";
import type { ResolvedUplink } from "../uplink/index.ts";
import { defaultRouteChanges } from "./default-route.ts";

/** What the home side of the tunnel is to be like; it may change while we run (pushed addresses, bond MTU, uplinks). */
export interface LanNetwork {
  readonly tap: string;
  readonly mode: "routed" | "bridged";
  readonly bridge: string | null;
  readonly mtu: number;
  /** Of the TAP, as the concentrator gave them; with prefix length. */
  readonly addresses: readonly string[];
  /** Networks the concentrator says it reaches. */
  readonly routes: readonly string[];
  /** Into the bond. */
  readonly defaultRoute: boolean;
  /** The uplink that the LAN uses in place of the bond; null: it uses the bond. */
  readonly direct: ResolvedUplink | null;
  /** The kill switch is on: it has the rules of the default route. */
  readonly guarded: boolean;
  /** Networks of the LAN. */
  readonly lan: readonly string[];
  /** Devices of the uplinks. */
  readonly uplinkDevices: readonly string[];
  /** Default routes of the system (UplinkFacts). */
  readonly defaultRoutes: readonly RouteFact[];
}

/** Makes TAP, forwarding and default route be as wanted, and mends what got lost. Called as UplinkPinning.reconcile is. */
export async function reconcileLan(
  changes: SystemChanges,
  instance: number,
  network: LanNetwork,
): Promise<ReconcileReport> {
  return mergeReports([
    await changes.reconcile("tap:", tapChanges(network)),
    await changes.reconcile("forward:", forwarding(network)),
    await changes.reconcile("default:", defaults(network, instance)),
  ]);
}

function forwarding(network: LanNetwork): Map<string, Change> {
  if (network.mode === "bridged") return new Map();
  return forwardingChanges({
    families: familiesOf(network),
    looseDevices: [network.tap, ...network.uplinkDevices],
    advertisedDevices: advertisedDevices(network.defaultRoutes),
  });
}

function defaults(network: LanNetwork, instance: number): Map<string, Change> {
  const { tap, defaultRoute, direct, guarded } = network;
  if (!defaultRoute && direct === null) return new Map();
  return defaultRouteChanges({ tap, instance, families: familiesOf(network), direct, guarded });
}

/**
 * Those of which the TAP has an address: without one, the other end could not answer. An uplink that is used directly
 * needs none: there it is those of the LAN.
 */
function familiesOf({ addresses, direct, lan }: LanNetwork): (4 | 6)[] {
  const known = (networks: readonly string[]) => networks.map((network) => parsePrefix(network).family);
  return [...new Set([...known(addresses), ...(direct === null ? [] : ([4, ...known(lan)] as const))])];
}
