import {
  type Change,
  MAIN_TABLE,
  MAX_UPLINK_SLOTS,
  parsePrefix,
  pinningPriority,
  type ReconcileReport,
  type SystemChanges,
  uplinkTable,
} from "@wanbond/shared/system";
import type { ResolvedUplink, UplinkAddress } from "./uplink-discovery.ts";

/**
 * Keeps every uplink's datagrams on that uplink: what comes from its source address is routed by a table of its own.
 *
 * Routes vanish with their device, rules do not, and other programs flush both; so reconcile is to be called whenever
 * rtnetlink tells of a change, and now and then without a reason.
 */
export class UplinkPinning {
  readonly #changes: SystemChanges;
  readonly #instance: number;
  /** By uplink name; an uplink that comes back gets its old table. */
  readonly #slots = new Map<string, number>();

  /** @param instance number of the instance lock. */
  constructor(changes: SystemChanges, instance: number) {
    this.#changes = changes;
    this.#instance = instance;
  }

  /** Makes rules and routes be those of the given uplinks, and takes back all others. */
  reconcile(uplinks: readonly ResolvedUplink[]): Promise<ReconcileReport> {
    const pinned = uplinks.filter(({ up }) => up);
    this.#assignSlots(pinned.map(({ name }) => name));
    const wanted = pinned.flatMap((uplink) => {
      const slot = this.#slots.get(uplink.name);
      return slot === undefined ? [] : pinningChanges(uplink, this.#instance, slot);
    });
    return this.#changes.reconcile("uplink:", new Map(wanted));
  }

  /** Uplinks beyond the last slot get none; the configuration allows no more of them than there are slots. */
  #assignSlots(names: readonly string[]): void {
    for (const name of names) {
      if (this.#slots.has(name)) continue;
      if (this.#slots.size === MAX_UPLINK_SLOTS) this.#forgetAllBut(names);
      const taken = new Set(this.#slots.values());
      const slot = Array.from({ length: MAX_UPLINK_SLOTS }, (_, each) => each).find((each) => !taken.has(each));
      if (slot !== undefined) this.#slots.set(name, slot);
    }
  }

  #forgetAllBut(names: readonly string[]): void {
    for (const name of this.#slots.keys()) if (!names.includes(name)) this.#slots.delete(name);
  }
}

/** Rules and routes of one uplink. */
function pinningChanges(uplink: ResolvedUplink, instance: number, slot: number): [string, Change][] {
  const priority = pinningPriority(instance, slot);
  const table = uplinkTable(instance, slot);
  const families: [4 | 6, UplinkAddress | null][] = [
    [4, uplink.ipv4],
    [6, uplink.ipv6],
  ];
  return families.flatMap(([family, address]) => {
    if (address === null) return [];
    const from = address.source;
    const key = (what: string) => `uplink:${uplink.name}:${what}${family}`;
    const routes = uplinkRoutes(uplink, address, { family, table });
    // The routes first: a rule before them would lead to an empty table.
    return [
      ...routes.map(([what, change]): [string, Change] => [key(what), change]),
      // What table main knows better than "default" stays as it is: an answer to a LAN host must not leave by the uplink.
      [key("main"), { kind: "rule", family, priority, from, table: MAIN_TABLE, suppressPrefixLength: 0 }],
      [key("rule"), { kind: "rule", family, priority: priority + 1, from, table, suppressPrefixLength: null }],
    ];
  });
}

function uplinkRoutes(
  { device, pointToPoint }: ResolvedUplink,
  { network, gateway }: UplinkAddress,
  { family, table }: { readonly family: 4 | 6; readonly table: number },
): [string, Change][] {
  const route = (destination: string, via: string | null): Change => {
    return { kind: "route", family, destination, table, device, gateway: via };
  };
  const isHost = parsePrefix(network).length === (family === 4 ? 32 : 128);
  const routes: [string, Change][] = isHost ? [] : [["network", route(network, null)]];
  if (gateway !== null || pointToPoint) routes.push(["default", route("default", gateway)]);
  return routes;
}
