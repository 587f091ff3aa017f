import { formatIpAddress, type IpPrefix, parseIpPrefix } from "../packet/index.ts";

/** An address with the length of its network prefix, as `ip address add` takes it. */
export interface Prefix extends IpPrefix {
  readonly family: 4 | 6;
  /** The address as it was written. */
  readonly address: string;
  /** `address/bits`. */
  readonly text: string;
}

/** `address` alone means the single host, /32 or /128. Host bits are kept: `10.200.0.1/24` is an interface's address. */
export function parsePrefix(text: string): Prefix | null {
  const prefix = parseIpPrefix(text);
  if (prefix === null) return null;
  const address = text.split("/")[0] ?? "";
  return { ...prefix, family: prefix.bytes.length === 4 ? 4 : 6, address, text: `${address}/${prefix.bits}` };
}

/** Whether the address of inner lies in outer's network and inner's prefix is at least as long. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return outer.family === inner.family && inner.bits >= outer.bits && agree(outer.bytes, inner.bytes, outer.bits);
}

/** Whether an address lies in both. */
export function overlap(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && agree(a.bytes, b.bytes, Math.min(a.bits, b.bits));
}

/** Address space that anybody may use at home: RFC 1918, RFC 4193. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

export function isPrivate(prefix: Prefix): boolean {
  return PRIVATE.some((text) => {
    const space = parsePrefix(text);
    return space !== null && containsPrefix(space, prefix);
  });
}

/** Whether all bits behind the prefix are 0, as a route needs it. */
export function isNetwork(prefix: Prefix): boolean {
  return agree(prefix.bytes, networkBytes(prefix), prefix.bytes.length * 8);
}

/** The network of a prefix as text: `192.168.50.1/24` gives `192.168.50.0/24`. */
export function networkText(prefix: Prefix): string {
  return `${formatIpAddress(networkBytes(prefix), 0, prefix.family)}/${prefix.bits}`;
}

/** Whether a host may own the address in that network: not its network address and not its IPv4 broadcast address. */
export function isHostOf(network: Prefix, host: Prefix): boolean {
  if (network.bits >= network.bytes.length * 8 - 1) return true;
  const hostBits = host.bytes.map((byte, index) => byte & ~maskByte(network.bits, index));
  const allOnes = host.bytes.map((_, index) => 0xff & ~maskByte(network.bits, index));
  const isBroadcast = network.family === 4 && hostBits.every((byte, index) => byte === allOnes[index]);
  return hostBits.some((byte) => byte !== 0) && !isBroadcast;
}

function networkBytes(prefix: Prefix): Uint8Array {
  return prefix.bytes.map((byte, index) => byte & maskByte(prefix.bits, index));
}

function agree(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  return a.every((byte, index) => ((byte ^ (b[index] ?? 0)) & maskByte(bits, index)) === 0);
}

/** The mask of one byte of an address whose first `bits` bits count. */
function maskByte(bits: number, index: number): number {
  const left = Math.min(8, Math.max(0, bits - index * 8));
  return (0xff00 >> left) & 0xff;
}
