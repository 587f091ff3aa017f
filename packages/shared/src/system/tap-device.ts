import type { Change, ChangeOf } from "./change.ts";
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
  readonly mode: "routed" | "bridged";
  /**
   * Bridged mode: name of the bridge whose port the TAP is; null leaves that to the operator. A bridge that does not
   * exist is made, and removed at the end unless it has got other ports.
   */
  readonly bridge: string | null;
}

/** What a TAP needs to carry traffic; the keys start with "tap:". */
export function tapChanges(settings: TapSettings): Map<string, Change> {
  const { tap, mode, bridge } = settings;
  const changes = new Map<string, Change>();
  const link = (setting: ChangeOf<"link">["setting"], value: string) =>
    changes.set(`tap:${setting}`, { kind: "link", device: tap, setting, value });

  link("addrgenmode", "none"); // nobody is behind it who would speak to a link-local address
  if (mode === "routed") link("arp", "off"); // the far end makes up Ethernet headers: there is nobody to ask
  link("txqueuelen", String(TAP_QUEUE_FRAMES));
  link("mtu", String(settings.mtu));
  if (bridge !== null) {
    changes.set("tap:bridge", { kind: "bridge", device: bridge });
    link("master", bridge);
  }
  link("state", "up");
  for (const address of settings.addresses) changes.set(`tap:address:${address}`, addressChange(tap, address));
  for (const route of settings.routes) changes.set(`tap:route:${route}`, tunnelRoute(tap, route));
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
