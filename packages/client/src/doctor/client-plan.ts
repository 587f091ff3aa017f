import { type ClientConfig, resolveBond } from "@wanbond/shared/config";
import type { Plan } from "@wanbond/shared/doctor";
import { parsePrefix } from "@wanbond/shared/system";
import { type ResolvedUplink, uplinkSettings } from "../uplink/index.ts";

/** What is known of the bond beside the configuration: its addresses at this end, and networks behind it. */
export interface BondNetworks {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
}

/** What a client's file wants of its machine. */
export function clientPlan(
  config: ClientConfig,
  uplinks: readonly ResolvedUplink[],
  bond: BondNetworks,
  places: { readonly configPath: string; readonly stateDirectories: readonly string[] },
): Plan {
  const { tap, mode, defaultRoute, lan, mtu, privateKeyFile, presharedKeyFile } = config.client;
  const routed = mode === "routed";
  const behind = bond.routes.filter((route) => parsePrefix(route).length > 0);
  const { basePolicy, links } = resolveBond(config.bonding);
  // Only there it is a rate; elsewhere a weight among others.
  const speedOf = (name: string) => {
    const speedMbit = basePolicy === "aggregate" ? (links[name]?.speed ?? null) : null;
    return speedMbit === null || speedMbit === 0 ? null : speedMbit * 1000;
  };
  return {
    role: "client",
    tap,
    routed,
    forwards: routed && (defaultRoute || lan.length > 0),
    forwards6: routed && lan.some(({ family }) => family === 6),
    networks: [
      ...lan.map(({ text }) => ({ what: "the LAN", kind: "lan" as const, network: text })),
      ...bond.addresses.map((network) => ({ what: "the bond's address", kind: "bond" as const, network })),
      ...behind.map((network) => ({ what: "the network behind the bond", kind: "bond" as const, network })),
    ],
    uplinks: uplinks.map(({ name, device }) => ({
      name,
      device,
      mtu: uplinkSettings(config, name).mtu,
      speedKbps: speedOf(name),
    })),
    ports: [...new Set(config.concentrators.flatMap(({ endpoints }) => endpoints.map(({ port }) => port)))],
    tapMtu: mtu,
    files: [places.configPath, privateKeyFile, ...(presharedKeyFile === null ? [] : [presharedKeyFile])],
    stateDirectories: places.stateDirectories,
  };
}
