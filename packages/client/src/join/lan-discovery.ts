import { isPrivate, networkText, overlap, type Prefix, parsePrefix } from "@wanbond/shared/config";
import { EX_CONFIG, EX_UNAVAILABLE, WanbondError } from "@wanbond/shared/errors";
import type { ResolvedUplink, UplinkFacts } from "../uplink/index.ts";

/** Devices whose networks lie inside this host, or are tunnels of their own. */
const INNER_KINDS = ["tun", "wireguard", "gre", "gretap", "ipip", "sit", "vti", "vxlan"];
const INNER_NAMES = /^(docker\d|br-[0-9a-f]{12}$|virbr|lxcbr|lxdbr|cni|flannel|cali|podman|veth[0-9a-f]{7}$|incusbr)/;

/** A network behind this host. */
export interface FoundNetwork {
  readonly network: Prefix;
  readonly device: string;
}

/** Private networks on devices that are no uplinks: what lies behind this router. */
export function findLanNetworks(facts: UplinkFacts, uplinks: readonly ResolvedUplink[]): FoundNetwork[] {
  const isLan = (device: string): boolean => {
    const link = facts.links.find(({ name }) => name === device);
    if (link === undefined || link.loopback || !link.up || link.pointToPoint) return false;
    if (uplinks.some((uplink) => uplink.device === device)) return false;
    return !INNER_KINDS.includes(link.kind) && !INNER_NAMES.test(device);
  };
  const found = facts.addresses
    .filter(({ device, scope, length, family }) => scope === 0 && length < (family === 4 ? 31 : 127) && isLan(device))
    .flatMap(({ device, address, length }) => networkOn(device, `${address}/${length}`))
    .filter(({ network }) => isPrivate(network));
  return found.filter(
    ({ network }, index) => found.findIndex((other) => other.network.text === network.text) === index,
  );
}

/** @throws WanbondError when two networks of this host are one, so that packets could not know where to go. */
export function requireApartNetworks(lan: readonly FoundNetwork[], uplinks: readonly ResolvedUplink[]): void {
  for (const { device, ipv4, ipv6 } of uplinks) {
    for (const line of [ipv4, ipv6].flatMap((address) => parsePrefix(address?.network ?? "") ?? [])) {
      const same = lan.find(({ network }) => overlap(network, line));
      if (same === undefined) continue;
      const sentence = `${same.device} (LAN) and ${device} (uplink) are both in ${same.network.text}: no packet can tell them apart. Give the LAN another network.`;
      throw new WanbondError("WB_ADDRESS_CONFLICT", EX_CONFIG, sentence);
    }
  }
}

/** @throws WanbondError when there is no line to join over. @returns those that can carry datagrams. */
export function requireUplinks(uplinks: readonly ResolvedUplink[]): ResolvedUplink[] {
  const usable = uplinks.filter(({ unusable }) => unusable === null);
  if (usable.length > 0) return usable;
  const seen = uplinks.map(({ device, unusable }) => `${device} (${unusable})`).join(", ");
  const sentence = `This host has no internet line: ${seen === "" ? "no device has a default route" : `${seen}`}. Bring one up first (ip route show default).`;
  throw new WanbondError("WB_NO_UPLINK", EX_UNAVAILABLE, sentence);
}

/** Networks that the operator names. @throws WanbondError */
export function givenNetworks(texts: readonly string[]): string[] {
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    if (prefix !== null && prefix.bits > 0 && networkText(prefix) === prefix.text) return prefix.text;
    const meant = prefix === null || prefix.bits === 0 ? "192.168.50.0/24" : networkText(prefix);
    const sentence = `--lan ${text} is no network. Write its own address with a prefix length, as ${meant}.`;
    throw new WanbondError("WB_USAGE", 64, sentence);
  });
}

function networkOn(device: string, text: string): FoundNetwork[] {
  const prefix = parsePrefix(text);
  const network = prefix === null ? null : parsePrefix(networkText(prefix));
  return network === null ? [] : [{ network, device }];
}
