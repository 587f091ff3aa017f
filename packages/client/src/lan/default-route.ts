import { type Change, defaultPriority, MAIN_TABLE, tunnelTable } from "@wanbond/shared/system";

/**
 * Leads what has no better route into the tunnel; the keys start with "default:".
 *
 * Table main stays as it is: it is asked first, but not for its default route, then a table whose only route is the
 * TAP. The tunnel's own datagrams never come here, because the rules of their source addresses have smaller priorities.
 *
 * @param instance number of the instance lock.
 * @param families those of which the TAP has an address: without one, the other end could not answer.
 */
export function defaultRouteChanges(tap: string, instance: number, families: readonly (4 | 6)[]): Map<string, Change> {
  const table = tunnelTable(instance);
  const priority = defaultPriority(instance);
  const changes = new Map<string, Change>();
  for (const family of families) {
    const route: Change = { kind: "route", family, destination: "default", table, device: tap, gateway: null };
    changes.set(`default:route${family}`, route);
    changes.set(`default:main${family}`, rule(family, priority, MAIN_TABLE, 0));
    changes.set(`default:rule${family}`, rule(family, priority + 1, table, null));
  }
  return changes;
}

function rule(family: 4 | 6, priority: number, table: number, suppressPrefixLength: number | null): Change {
  return { kind: "rule", family, priority, from: null, table, suppressPrefixLength };
}
