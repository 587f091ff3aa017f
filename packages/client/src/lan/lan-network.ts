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
  readonly defaultRoute: boolean;
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
    families: familiesOf(network.addresses),
    looseDevices: [network.tap, ...network.uplinkDevices],
    advertisedDevices: advertisedDevices(network.defaultRoutes),
  });
}

function defaults({ tap, defaultRoute, addresses }: LanNetwork, instance: number): Map<string, Change> {
  return defaultRoute ? defaultRouteChanges(tap, instance, familiesOf(addresses)) : new Map();
}

function familiesOf(addresses: readonly string[]): (4 | 6)[] {
  return [...new Set(addresses.map((address) => parsePrefix(address).family))];
}
