import { type Change, defaultPriority, MAIN_TABLE, tunnelTable } from "@wanbond/shared/system";
import type { ResolvedUplink } from "../uplink/index.ts";

export interface DefaultRoute {
  readonly tap: string;
  /** Number of the instance lock. */
  readonly instance: number;
  /** Those that are led away from table main's default route. */
  readonly families: readonly (4 | 6)[];
  /** The uplink that is used in place of the bond; null: the bond. */
  readonly direct: ResolvedUplink | null;
  /** The kill switch has the rules already. */
  readonly guarded: boolean;
}

/**
 * Leads what has no better route into the tunnel, or out of an uplink directly; the keys start with "default:".
 *
 * Table main stays as it is: it is asked first, but not for its default route, then a table whose only route is the
 * TAP, or the uplink. The tunnel's own datagrams never come here, because the rules of their source addresses have smaller
 * priorities. The two ways replace each other in one step: there is no moment without a route.
 */
export function defaultRouteChanges(wanted: DefaultRoute): Map<string, Change> {
  const table = tunnelTable(wanted.instance);
  const changes = new Map<string, Change>();
  for (const family of wanted.families) {
    const route = routeOf(wanted, family, table);
    // An uplink without this family: refused at once, programs take the other one.
    if (route === null) changes.set(`default:refusal${family}`, { kind: "unreachable", family, table });
    else changes.set(`default:route${family}`, route);
    if (wanted.guarded) continue;
    const rules = defaultRules("default:", family, defaultPriority(wanted.instance), table);
    for (const [key, change] of rules) changes.set(key, change);
  }
  return changes;
}

/** The rules that ask this table after table main, of which they do not take the default route. */
export function defaultRules(prefix: string, family: 4 | 6, priority: number, table: number): Map<string, Change> {
  return new Map([
    [`${prefix}main${family}`, rule(family, priority, MAIN_TABLE, 0)],
    [`${prefix}rule${family}`, rule(family, priority + 1, table, null)],
  ]);
}

function routeOf({ tap, direct }: DefaultRoute, family: 4 | 6, table: number): Change | null {
  const base = { kind: "route", family, destination: "default", table } as const;
  if (direct === null) return { ...base, device: tap, gateway: null };
  const gateway = (family === 4 ? direct.ipv4 : direct.ipv6)?.gateway;
  if (gateway === undefined || (gateway === null && !direct.pointToPoint)) return null;
  return { ...base, device: direct.device, gateway };
}

function rule(family: 4 | 6, priority: number, table: number, suppressPrefixLength: number | null): Change {
  return { kind: "rule", family, priority, from: null, table, suppressPrefixLength };
}
