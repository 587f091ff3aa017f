import { isHostOf, type Prefix, parsePrefix } from "@wanbond/shared/config";

/**
 * One address for a new client in each of the concentrator's networks: the lowest that nobody has.
 *
 * @param networks of the TAP, with the concentrator's own address in each. @param taken addresses of the clients.
 * @returns single hosts, as "10.200.0.2/32"; null when a network is full.
 */
export function freeAddresses(networks: readonly Prefix[], taken: readonly Prefix[]): string[] | null {
  const used = new Set([...networks, ...taken].map(({ bytes }) => bytes.join(".")));
  const found = networks.map((network) => freeHost(network, used));
  return found.some((host) => host === null) ? null : found.filter((host) => host !== null);
}

/** How many more clients there is room for; counts no further than `enough`. */
export function freeCount(networks: readonly Prefix[], taken: readonly Prefix[], enough: number): number {
  const all = [...taken];
  for (let count = 0; count < enough; count++) {
    const next = freeAddresses(networks, all);
    if (next === null) return count;
    all.push(...next.flatMap((text) => parsePrefix(text) ?? []));
  }
  return enough;
}

function freeHost(network: Prefix, used: ReadonlySet<string>): string | null {
  // Of so many candidates one is free: all others would have to be in the set, or be the network's own two.
  for (let number = 1; number <= used.size + 3; number++) {
    const host = hostAt(network, number);
    if (host === null) return null;
    if (isHostOf(network, host) && !used.has(host.bytes.join("."))) return host.text;
  }
  return null;
}

/** null behind the end of the network. */
function hostAt(network: Prefix, number: number): Prefix | null {
  const hostBits = network.bytes.length * 8 - network.bits;
  if (hostBits < 31 && number >= 2 ** hostBits) return null;
  const bytes = network.bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, network.bits - index * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
  let carry = number;
  for (let index = bytes.length - 1; index >= 0 && carry > 0; index--) {
    const sum = (bytes[index] ?? 0) + (carry & 0xff);
    bytes[index] = sum & 0xff;
    carry = (carry >>> 8) + (sum >> 8);
  }
  return parsePrefix(`${addressText(bytes)}/${bytes.length * 8}`);
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const words = Array.from({ length: 8 }, (_, word) => ((bytes[word * 2] ?? 0) << 8) | (bytes[word * 2 + 1] ?? 0));
  return canonical(words.map((word) => word.toString(16)).join(":"));
}

function canonical(text: string): string {
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}
