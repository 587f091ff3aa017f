/**
 * Numbers and names by which everything that wanbond puts into the kernel is known to be its own.
 * Nothing that does not bear them is ever removed.
 */

/**
 * Routing protocol number on every rule and route of ours: 87, ASCII "W". It is free in rt_protos of iproute2 (which
 * knows 0-18, 42, 84 and 186-192) and of FRRouting (186-199).
 */
export const OWN_PROTOCOL = 87;

/** Wanbond programs that can run in one network namespace; each has its own tables and priorities. */
export const MAX_INSTANCES = 16;
/** Tables and pinning priorities of one instance are counted in slots: 30 uplinks (as many as there are paths), then one of its own. */
const SLOTS_PER_INSTANCE = 32;
/** Uplinks that can be pinned. */
export const MAX_UPLINK_SLOTS = 30;

const FIRST_TABLE = 18700;
const FIRST_PINNING_PRIORITY = 5200;
const FIRST_DEFAULT_PRIORITY = 32000;

/** The table that holds the main routes of the system. */
export const MAIN_TABLE = 254;

/** Table of one uplink: 18700 + 32 per instance + slot. */
export function uplinkTable(instance: number, slot: number): number {
  return FIRST_TABLE + instance * SLOTS_PER_INSTANCE + slot;
}

/** Table whose default route is the tunnel. */
export function tunnelTable(instance: number): number {
  return uplinkTable(instance, SLOTS_PER_INSTANCE - 1);
}

/**
 * Priority of the first of two rules of one uplink (the second is one more): 5200..6223. They stand before whatever
 * VPN programs add (usually 32000-32765), because the tunnel's own datagrams must never enter another tunnel.
 */
export function pinningPriority(instance: number, slot: number): number {
  return FIRST_PINNING_PRIORITY + 2 * (instance * SLOTS_PER_INSTANCE + slot);
}

/**
 * Priority of the first of two rules that lead everything into the tunnel: 32000..32031, before table main (32766) and
 * behind the rules an operator writes with numbers of his own, which so remain exceptions from the tunnel.
 */
export function defaultPriority(instance: number): number {
  return FIRST_DEFAULT_PRIORITY + 2 * instance;
}

/** Name of an nft table (family inet) that belongs to one TAP. @param part what it is for, where there are several. */
export function nftTableName(tap: string, part: "" | "direct" | "guard" = ""): string {
  return [`wanbond_${tap.replaceAll(/[^A-Za-z0-9_]/g, "_")}`, part].filter((word) => word !== "").join("_");
}

/** Which instance a rule of this priority belongs to; null when priorities do not tell. */
export function instanceOfPriority(priority: number): number | null {
  const pinning = Math.floor((priority - FIRST_PINNING_PRIORITY) / (2 * SLOTS_PER_INSTANCE));
  if (pinning >= 0 && pinning < MAX_INSTANCES) return pinning;
  const byDefault = Math.floor((priority - FIRST_DEFAULT_PRIORITY) / 2);
  return byDefault >= 0 && byDefault < MAX_INSTANCES ? byDefault : null;
}

/** Which instance a routing table belongs to; null for table main and others that are not ours alone. */
export function instanceOfTable(table: number): number | null {
  const instance = Math.floor((table - FIRST_TABLE) / SLOTS_PER_INSTANCE);
  return instance >= 0 && instance < MAX_INSTANCES ? instance : null;
}
