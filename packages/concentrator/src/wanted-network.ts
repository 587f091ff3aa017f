import type { ConcentratorConfig } from "@wanbond/shared/config";
import { BRIDGED_TAP_MTU, SMALLEST_TAP_MTU } from "@wanbond/shared/runtime";
import type { RouteFact } from "@wanbond/shared/system";
import type { Client } from "./client-directory.ts";
import type { ConcentratorNetwork } from "./nat/index.ts";

/** What the configuration and the present clients want of the system. @param defaultRoutes of the system. */
export function wantedNetwork(
  { concentrator }: ConcentratorConfig,
  clients: readonly Client[],
  defaultRoutes: readonly RouteFact[],
): ConcentratorNetwork {
  const { tap, mode, bridge, mtu, address, nat, nat66, clientToClient } = concentrator;
  return {
    tap,
    mode,
    bridge,
    mtu: mtu === "auto" ? tapMtu(mode, clients) : mtu,
    addresses: address.map(({ text }) => text),
    nat,
    nat66,
    clientToClient,
    clients: clients.map(({ config }) => ({
      name: config.name,
      addresses: config.address.map(hostPrefix),
      routes: config.routes.map(({ text }) => text),
    })),
    defaultRoutes,
  };
}

/** One TAP for all: as wide as the widest client; for the others the MSS is clamped and frames are fragmented. */
function tapMtu(mode: "routed" | "bridged", clients: readonly Client[]): number {
  if (mode === "bridged") return BRIDGED_TAP_MTU;
  return Math.max(SMALLEST_TAP_MTU, ...clients.map(({ innerMtu }) => innerMtu));
}

/** An address as a prefix of one host. */
export function hostPrefix({ address }: { readonly address: string }): string {
  return `${address}/${address.includes(":") ? 128 : 32}`;
}
