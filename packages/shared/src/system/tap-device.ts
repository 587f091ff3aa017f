import type { Change } from "./change.ts";
import { MAIN_TABLE } from "./names.ts";
import { parsePrefix, routeDestination } from "./prefix.ts";

/**
 * Frames the kernel keeps for us while the forwarder is busy: at 100 kpackets/s, 5 ms of its absence. The bond's own
 * queue is the place to wait in; a long one here would only add delay that nobody controls.
 */
const TAP_QUEUE_FRAMES = 500;

export interface TapSettings {
  readonly tap: string;
  /** Inner MTU; to be wanted anew when the bond MTU changes. */
  readonly mtu: number;
  /** Own addresses with prefix length, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  /** Networks reached through the tunnel, in table main. */
  readonly routes: readonly string[];
  /**
   * Name of the bridge whose port the TAP is (bridged mode); null in routed mode. A bridge that does not exist is made,
   * and removed at the end unless it has got other ports. The addresses are the bridge's then.
   */
  readonly bridge: string | null;
}

/** What a TAP needs to carry traffic, all in "tap:". */
export function tapChanges(settings: TapSettings): Map<string, Change> {
  const { tap, bridge } = settings;
  const changes = new Map<string, Change>();
  const link = (
    device: string,
    setting: "mtu" | "txqueuelen" | "arp" | "addrgenmode" | "master" | "state",
    value: string,
  ) => changes.set(`tap:${setting}`, { kind: "link", device, setting, value });

  link(tap, "addrgenmode", "none"); // no neighbour is behind it that a link-local address could speak to
  if (bridge === null) link(tap, "arp", "off"); // the far end makes up Ethernet headers: there is nobody to ask
  link(tap, "txqueuelen", String(TAP_QUEUE_FRAMES));
  link(tap, "mtu", String(settings.mtu));
  if (bridge !== null) {
    changes.set("tap:bridge", { kind: "bridge", device: bridge });
    link(tap, "master", bridge);
  }
  link(tap, "state", "up");
  const device = bridge ?? tap;
  for (const address of settings.addresses) changes.set(`tap:address:${address}`, addressChange(device, address));
  for (const route of settings.routes) changes.set(`tap:route:${route}`, tunnelRoute(device, route));
  return changes;
}

/** A route of table main into the tunnel. */
export function tunnelRoute(device: string, network: string): Change {
  const { family } = parsePrefix(network);
  const destination = routeDestination(network);
  return { kind: "route", family, destination, table: MAIN_TABLE, device, gateway: null };
}

function addressChange(device: string, text: string): Change {
  const { address, length } = parsePrefix(text);
  return { kind: "address", device, address: `${address}/${length}` };
}
