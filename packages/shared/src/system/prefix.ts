import { isIP, SocketAddress } from "node:net";

/** An address or network with its prefix length. */
export interface Prefix {
  readonly family: 4 | 6;
  /** As the kernel writes it. */
  readonly address: string;
  readonly length: number;
}

/** Reads `10.200.0.2/32`, `2001:db8::/64` or a bare address. @throws RangeError: the configuration has been checked before. */
export function parsePrefix(text: string): Prefix {
  const [address = "", lengthText] = text.split("/");
  const family = isIP(address);
  if (family !== 4 && family !== 6) throw new RangeError(`${text} is not an IP address or prefix`);
  const widest = family === 4 ? 32 : 128;
  const length = lengthText === undefined ? widest : Number(lengthText);
  if (!Number.isInteger(length) || length < 0 || length > widest) throw new RangeError(`${text} has no valid length`);
  return { family, address: canonicalAddress(address), length };
}

/** The address as the kernel prints it: lower case, shortest form of IPv6. */
export function canonicalAddress(address: string): string {
  return isIP(address) === 6 ? new SocketAddress({ address, family: "ipv6" }).address : address;
}

/** The network an address lies in: 192.168.1.7, 24 gives 192.168.1.0/24. */
export function networkOf({ address, family, length }: Prefix): string {
  const kept = toBytes(address, family).map((byte, index) => byte & maskByte(length - index * 8));
  return `${fromBytes(kept)}/${length}`;
}

/** A route's destination as the kernel prints it: "default", a bare address, or a network. */
export function routeDestination(text: string): string {
  if (text === "default") return text;
  const prefix = parsePrefix(text);
  if (prefix.length === 0) return "default";
  return prefix.length === (prefix.family === 4 ? 32 : 128) ? prefix.address : networkOf(prefix);
}

/** Whether the address lies in the network. */
export function contains(network: string, address: string): boolean {
  const { family, length } = parsePrefix(network);
  const other = parsePrefix(address);
  return family === other.family && networkOf({ ...other, length }) === networkOf(parsePrefix(network));
}

function maskByte(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff00 >> bits) & 0xff;
}

function toBytes(address: string, family: 4 | 6): number[] {
  if (family === 4) return address.split(".").map(Number);
  const [head = "", tail] = address.replace(/[\d.]+\.\d+$/, dottedAsHex).split("::");
  const words = (text: string) => (text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16)));
  const first = words(head);
  const last = words(tail ?? "");
  const gap = new Array<number>(8 - first.length - last.length).fill(0);
  return [...first, ...gap, ...last].flatMap((word) => [word >> 8, word & 0xff]);
}

/** The dotted tail of an IPv4-mapped address as two hexadecimal words. */
function dottedAsHex(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function fromBytes(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const words: string[] = [];
  for (let at = 0; at < 16; at += 2) words.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  return canonicalAddress(words.join(":"));
}
