import { type Change, defaultPriority, nftTableName, tunnelTable } from "@wanbond/shared/system";
import { defaultRules } from "../lan/index.ts";

/** What the keys of the kill switch's changes start with: they may outlive the program. */
export const GUARD_PREFIX = "guard:";

export interface GuardSettings {
  readonly tap: string;
  /** Number of the instance lock. */
  readonly instance: number;
  /** Those this kernel has. */
  readonly families: readonly (4 | 6)[];
  readonly uplinkDevices: readonly string[];
}

/**
 * The kill switch. Everything that has no better route is led into the tunnel's table, and refused where that has none: the
 * TAP's route vanishes with the program, the refusal does not. And no forwarded packet leaves by an uplink, whatever other
 * routes there are.
 */
export function guardChanges({ tap, instance, families, uplinkDevices }: GuardSettings): Map<string, Change> {
  const changes = new Map<string, Change>();
  const body = guardTableBody(tap, uplinkDevices);
  changes.set(`${GUARD_PREFIX}table`, { kind: "nft", table: nftTableName(tap, "guard"), body });
  for (const family of families) {
    changes.set(`${GUARD_PREFIX}refusal${family}`, { kind: "unreachable", family, table: tunnelTable(instance) });
    for (const [key, change] of defaultRules(GUARD_PREFIX, family, defaultPriority(instance), tunnelTable(instance)))
      changes.set(key, change);
  }
  return changes;
}

function guardTableBody(tap: string, uplinkDevices: readonly string[]): string {
  const names = [...new Set(uplinkDevices)].sort().map((name) => `"${name}"`);
  const elements = names.length === 0 ? [] : [`elements = { ${names.join(", ")} }`];
  return [
    "set uplinks {",
    "type ifname;",
    ...elements,
    "}",
    "chain forward {",
    "type filter hook forward priority filter; policy accept;",
    // LAN and uplinks may be one wire: what comes out of the tunnel is welcome there.
    `iifname "${tap}" accept`,
    "oifname @uplinks counter drop",
    "}",
    // A resolver on this router asks for the LAN.
    "chain output {",
    "type filter hook output priority filter; policy accept;",
    "oifname @uplinks meta l4proto { tcp, udp } th dport { 53, 853 } counter drop",
    "}",
  ].join("\n");
}
