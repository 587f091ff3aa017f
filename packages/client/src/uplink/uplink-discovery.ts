import {
  type AddressFact,
  canonicalAddress,
  contains,
  type LinkFact,
  MAIN_TABLE,
  networkOf,
  OWN_PROTOCOL,
  parsePrefix,
  type RouteFact,
  type Runner,
  readAddresses,
  readDefaultRoutes,
  readLinks,
} from "@wanbond/shared/system";

/** An uplink as the operator names it; null means "find it". */
export interface UplinkRequest {
  readonly name: string;
  readonly device: string;
  /** An uplink with a source has that address only; without one it has what the device has of IPv4 and IPv6. */
  readonly source: string | null;
  readonly gateway: string | null;
}

export interface UplinkAddress {
  readonly source: string;
  /** The network the source lies in. */
  readonly network: string;
  /** null on point-to-point devices, and where there is none: then only neighbours are reached. */
  readonly gateway: string | null;
}

export type UnusableReason = "no-device" | "device-down" | "no-carrier" | "no-address";

/** An uplink as it is now. */
export interface ResolvedUplink {
  readonly name: string;
  readonly device: string;
  /** Interface index; it changes when the device goes and comes back, and bound sockets are dead then. null without device. */
  readonly index: number | null;
  /** Of the device; null without device. */
  readonly mtu: number | null;
  readonly pointToPoint: boolean;
  /** Switched on; routes can only be made then. */
  readonly up: boolean;
  readonly ipv4: UplinkAddress | null;
  readonly ipv6: UplinkAddress | null;
  /** null: it can carry datagrams. */
  readonly unusable: UnusableReason | null;
}

/** What the kernel says about its devices. */
export interface UplinkFacts {
  readonly links: readonly LinkFact[];
  readonly addresses: readonly AddressFact[];
  readonly defaultRoutes: readonly RouteFact[];
}

/** Devices that carry packets inside other packets: never uplinks of their own accord. */
const TUNNEL_KINDS = ["tun", "wireguard", "gre", "gretap", "ip6gre", "ipip", "ip6tnl", "sit", "vti", "vxlan", "dummy"];

/** Reads the facts with `ip`. @throws CommandError */
export async function readUplinkFacts(runner: Runner): Promise<UplinkFacts> {
  const [links, addresses, defaultRoutes] = await Promise.all([
    readLinks(runner),
    readAddresses(runner),
    readDefaultRoutes(runner),
  ]);
  return { links, addresses, defaultRoutes };
}

/**
 * Finds device state, source address and gateway of every uplink.
 *
 * @param requests "auto": one uplink per device with a default route in table main, best metric first.
 * @param ownDevices our TAPs, which are never taken for uplinks.
 * @param others devices that no request names are uplinks too, as with "auto".
 */
export function resolveUplinks(
  requests: readonly UplinkRequest[] | "auto",
  facts: UplinkFacts,
  ownDevices: readonly string[],
  others = false,
): ResolvedUplink[] {
  const foreign = facts.defaultRoutes.filter(
    ({ protocol, device }) => protocol !== OWN_PROTOCOL && !ownDevices.includes(device),
  );
  const known = { ...facts, defaultRoutes: foreign.sort((a, b) => rank(a) - rank(b)) };
  const listed = requests === "auto" ? [] : requests;
  const found = requests === "auto" || others ? unlisted(automaticRequests(known), listed) : [];
  return [...listed, ...found].map((request) => resolve(request, known));
}

/** Those of devices that are not listed, under names that are not. */
function unlisted(found: readonly UplinkRequest[], listed: readonly UplinkRequest[]): UplinkRequest[] {
  const isNamed = (name: string) => listed.some((request) => request.name === name);
  return found
    .filter(({ device }) => !listed.some((request) => request.device === device))
    .map((request) => (isNamed(request.name) ? { ...request, name: `${request.name}-auto` } : request));
}

/** Table main before the others, then by metric. */
function rank({ table, metric }: RouteFact): number {
  return (table === MAIN_TABLE ? 0 : 2 ** 32) + metric;
}

function automaticRequests(facts: UplinkFacts): UplinkRequest[] {
  const isUplink = (name: string) => {
    const link = facts.links.find((fact) => fact.name === name);
    return link !== undefined && !link.loopback && !TUNNEL_KINDS.includes(link.kind);
  };
  const devices = facts.defaultRoutes.filter(({ table }) => table === MAIN_TABLE).map(({ device }) => device);
  return [...new Set(devices)]
    .filter(isUplink)
    .map((device) => ({ name: device, device, source: null, gateway: null }));
}

function resolve(request: UplinkRequest, facts: UplinkFacts): ResolvedUplink {
  const link = facts.links.find(({ name }) => name === request.device);
  const ipv4 = resolveAddress(4, request, facts);
  const ipv6 = resolveAddress(6, request, facts);
  return {
    name: request.name,
    device: request.device,
    index: link?.index ?? null,
    mtu: link?.mtu ?? null,
    pointToPoint: link?.pointToPoint ?? false,
    up: link?.up ?? false,
    ipv4,
    ipv6,
    unusable: unusableReason(link, ipv4 !== null || ipv6 !== null),
  };
}

function unusableReason(link: LinkFact | undefined, hasAddress: boolean): UnusableReason | null {
  if (link === undefined) return "no-device";
  if (!link.up) return "device-down";
  if (!link.carrier) return "no-carrier";
  return hasAddress ? null : "no-address";
}

function resolveAddress(family: 4 | 6, request: UplinkRequest, facts: UplinkFacts): UplinkAddress | null {
  const route = facts.defaultRoutes.find((fact) => fact.family === family && fact.device === request.device);
  const given = ofFamily(family, request.gateway);
  const gateway = given ?? route?.gateway ?? null;
  const address = chooseAddress(family, request, facts.addresses, gateway, route?.source ?? null);
  if (address === undefined) return null;
  const network = networkOf({ family, address: address.address, length: address.length });
  return { source: address.address, network, gateway };
}

/** The given source; else, of the lasting global addresses, the route's own, the gateway's neighbour, the first. */
function chooseAddress(
  family: 4 | 6,
  request: UplinkRequest,
  addresses: readonly AddressFact[],
  gateway: string | null,
  routeSource: string | null,
): AddressFact | undefined {
  const own = addresses.filter((fact) => fact.device === request.device && fact.family === family);
  if (request.source !== null) {
    const source = canonicalAddress(request.source);
    return own.find(({ address }) => address === source);
  }
  const lasting = own.filter(({ scope, steady }) => scope === 0 && steady);
  return (
    lasting.find(({ address }) => address === routeSource) ??
    lasting.find(({ address, length }) => gateway !== null && contains(`${address}/${length}`, gateway)) ??
    lasting.find(({ address }) => !isUniqueLocal(address)) ??
    lasting[0]
  );
}

/** RFC 4193: no use on the way to the internet, as long as there is another. */
function isUniqueLocal(address: string): boolean {
  return /^f[cd]/.test(address);
}

function ofFamily(family: 4 | 6, address: string | null): string | null {
  return address !== null && parsePrefix(address).family === family ? canonicalAddress(address) : null;
}
