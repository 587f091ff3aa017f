import { type Change, defaultPriority, nftTableName, tunnelTable } from "@wanbond/shared/system";
import { defaultRules } from "../lan/index.ts";
import { addressSet, NEVER_FAR, quoted } from "./nft-text.ts";

/** What the keys of the kill switch's changes start with: they may outlive the program. */
export const GUARD_PREFIX = "guard:";

export interface GuardSettings {
  readonly tap: string;
  /** Number of the instance lock. */
  readonly instance: number;
  /** Those this kernel has. */
  readonly families: readonly (4 | 6)[];
  readonly uplinkDevices: readonly string[];
  /** Networks that the uplinks' own addresses lie in. */
  readonly near: readonly string[];
  /** Addresses of the concentrators. */
  readonly concentrators: readonly string[];
}

/**
 * The kill switch. Everything that has no better route is led into the tunnel's table, and refused where that has none: the
 * TAP's route vanishes with the program, the refusal does not. And whatever other routes there are, or sockets that have
 * not heard of a change of routes, no forwarded packet leaves by an uplink, and none of the router's own but to a
 * concentrator and to neighbours.
 */
export function guardChanges(settings: GuardSettings): Map<string, Change> {
  const { tap, instance, families } = settings;
  const changes = new Map<string, Change>();
  const body = guardTableBody(settings);
  changes.set(`${GUARD_PREFIX}table`, { kind: "nft", table: nftTableName(tap, "guard"), body });
  for (const family of families) {
    changes.set(`${GUARD_PREFIX}refusal${family}`, { kind: "unreachable", family, table: tunnelTable(instance) });
    for (const [key, change] of defaultRules(GUARD_PREFIX, family, defaultPriority(instance), tunnelTable(instance)))
      changes.set(key, change);
  }
  return changes;
}

function guardTableBody({ tap, uplinkDevices, near, concentrators }: GuardSettings): string {
  const names = quoted(uplinkDevices);
  const elements = names === "" ? [] : [`elements = { ${names} }`];
  const allowed = [...near, ...concentrators, ...NEVER_FAR];
  return [
    ...["set uplinks {", "type ifname;", ...elements, "}"],
    ...addressSet("allowed4", 4, allowed),
    ...addressSet("allowed6", 6, allowed),
    "chain forward {",
    "type filter hook forward priority filter; policy accept;",
    // LAN and uplinks may be one wire: what comes out of the tunnel is welcome there.
    `iifname "${tap}" accept`,
    "oifname @uplinks counter drop",
    "}",
    "chain output {",
    "type filter hook output priority filter; policy accept;",
    // A resolver on this router asks for the LAN.
    "oifname @uplinks meta l4proto { tcp, udp } th dport { 53, 853 } counter drop",
    "oifname @uplinks udp sport { 68, 546 } udp dport { 67, 547 } accept",
    "oifname @uplinks ip daddr != @allowed4 counter drop",
    "oifname @uplinks ip6 daddr != @allowed6 counter drop",
    "}",
  ].join("\n");
}
