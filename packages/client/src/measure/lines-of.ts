import { ENDPOINT_FAMILY } from "@wanbond/shared/wire";
import type { ResolvedUplink } from "../uplink/index.ts";
import type { Line } from "./line.ts";

/** What the bond knows of an uplink. */
export interface LineTraits {
  readonly metered: boolean;
  /** How the concentrator is reached over it; null: there is no way, as when a name has no address. */
  readonly endpoint: Int32Array | null;
  readonly memberUp: boolean;
}

/** Uplinks as lines to measure. */
export function linesOf(
  uplinks: readonly ResolvedUplink[],
  traitsOf: (uplink: ResolvedUplink) => LineTraits,
): readonly Line[] {
  return uplinks.map((uplink) => {
    const { metered, endpoint, memberUp } = traitsOf(uplink);
    const address = endpoint?.[ENDPOINT_FAMILY] === 6 ? uplink.ipv6 : uplink.ipv4;
    return {
      name: uplink.name,
      device: uplink.device,
      metered,
      unusable: uplink.unusable ?? (endpoint === null ? "no-concentrator-address" : null),
      gateway: (address ?? uplink.ipv4 ?? uplink.ipv6)?.gateway ?? null,
      source: address?.source ?? null,
      endpoint,
      deviceMtu: uplink.mtu,
      memberUp,
    };
  });
}
