import type { ResolvedUplink, UnusableReason } from "./uplink-discovery.ts";

/** What a change of an uplink was about. "index": the device was replaced, its bound sockets are dead. */
type UplinkField = "index" | "source4" | "gateway4" | "source6" | "gateway6" | "mtu";

/** One event for the log and for the owner of the paths. */
export type UplinkEvent =
  | { readonly event: "appeared" | "up"; readonly uplink: ResolvedUplink }
  | { readonly event: "gone"; readonly uplink: ResolvedUplink }
  | { readonly event: "down"; readonly uplink: ResolvedUplink; readonly reason: UnusableReason }
  | {
      readonly event: "changed";
      readonly uplink: ResolvedUplink;
      readonly before: ResolvedUplink;
      readonly fields: readonly UplinkField[];
    };

/**
 * Compares two resolutions. An uplink whose device is missing counts as not there, so that a stick that is pulled is
 * "gone" and comes back as "appeared", whether the uplink was configured or found.
 *
 * @returns the events of what left first, so that its table and sockets are free for what came.
 */
export function diffUplinks(before: readonly ResolvedUplink[], after: readonly ResolvedUplink[]): UplinkEvent[] {
  const old = presentByName(before);
  const present = presentByName(after);
  const gone = [...old.values()].filter(({ name }) => !present.has(name));
  const events: UplinkEvent[] = gone.map((uplink) => ({ event: "gone", uplink }));
  for (const uplink of present.values()) {
    const earlier = old.get(uplink.name);
    if (earlier === undefined) events.push(...appearance(uplink));
    else events.push(...fieldChanges(earlier, uplink), ...stateChanges(earlier, uplink));
  }
  return events;
}

function presentByName(uplinks: readonly ResolvedUplink[]): Map<string, ResolvedUplink> {
  return new Map(uplinks.filter(({ unusable }) => unusable !== "no-device").map((uplink) => [uplink.name, uplink]));
}

function appearance(uplink: ResolvedUplink): UplinkEvent[] {
  const appeared: UplinkEvent = { event: "appeared", uplink };
  return uplink.unusable === null ? [appeared] : [appeared, { event: "down", uplink, reason: uplink.unusable }];
}

function fieldChanges(before: ResolvedUplink, uplink: ResolvedUplink): UplinkEvent[] {
  const compared: [UplinkField, unknown, unknown][] = [
    ["index", before.index, uplink.index],
    ["source4", before.ipv4?.source, uplink.ipv4?.source],
    ["gateway4", before.ipv4?.gateway, uplink.ipv4?.gateway],
    ["source6", before.ipv6?.source, uplink.ipv6?.source],
    ["gateway6", before.ipv6?.gateway, uplink.ipv6?.gateway],
    ["mtu", before.mtu, uplink.mtu],
  ];
  const fields = compared.filter(([, was, is]) => was !== is).map(([field]) => field);
  return fields.length === 0 ? [] : [{ event: "changed", uplink, before, fields }];
}

function stateChanges(before: ResolvedUplink, uplink: ResolvedUplink): UplinkEvent[] {
  if (before.unusable === uplink.unusable) return [];
  return uplink.unusable === null ? [{ event: "up", uplink }] : [{ event: "down", uplink, reason: uplink.unusable }];
}
