import type { Change } from "./change.ts";
import type { RouteFact } from "./kernel-state.ts";

/** Protocol number of routes that came by router advertisement (rtnetlink.h, RTPROT_RA). */
const PROTOCOL_RA = 9;

export interface ForwardingSettings {
  readonly families: readonly (4 | 6)[];
  /** Devices where packets come in by another way than the route to their sender: the TAP and the uplinks. */
  readonly looseDevices: readonly string[];
  /** Devices whose IPv6 default route comes by router advertisement (advertisedDevices). */
  readonly advertisedDevices: readonly string[];
}

/** What a router needs of the kernel; the keys start with "forward:". */
export function forwardingChanges(settings: ForwardingSettings): Map<string, Change> {
  const changes = new Map<string, Change>();
  for (const device of settings.looseDevices) changes.set(`forward:loose:${device}`, { kind: "reverse-path", device });
  if (settings.families.includes(6)) {
    // A host that forwards forgets what routers advertise, unless it is told 2; therefore before the switch is moved.
    for (const device of settings.advertisedDevices)
      changes.set(`forward:advertised:${device}`, keepAdvertised(device));
  }
  for (const family of settings.families) changes.set(`forward:ipv${family}`, { kind: "forwarding", family });
  return changes;
}

/** Devices whose default route was advertised by a router. */
export function advertisedDevices(defaultRoutes: readonly RouteFact[]): string[] {
  const routes = defaultRoutes.filter(({ family, protocol }) => family === 6 && protocol === PROTOCOL_RA);
  return [...new Set(routes.map(({ device }) => device))];
}

function keepAdvertised(device: string): Change {
  return { kind: "setting", path: `net/ipv6/conf/${device}/accept_ra`, value: "2", onlyFrom: "1" };
}
