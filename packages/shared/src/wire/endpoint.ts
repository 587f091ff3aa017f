/**
 * An endpoint is a remote address as a socket sees it, 12 words of an Int32Array:
 * { family 4 or 6, remote port, interface index or 0, 0, remote address (4), local address (4) }.
 * Addresses are in network byte order as they lie in memory; IPv4 uses the first of its four words, the rest is 0.
 * The local address is the one a datagram came to, and the one it is answered from (IP_PKTINFO); all 0 = the kernel's choice.
 */
export const ENDPOINT_WORDS = 12;
export const ENDPOINT_FAMILY = 0;
export const ENDPOINT_PORT = 1;
export const ENDPOINT_INTERFACE = 2;
export const ENDPOINT_REMOTE = 4;
export const ENDPOINT_LOCAL = 8;

/**
 * @param text "203.0.113.10:51900" or "[2001:db8::1]:51900"; no names, no zones.
 * @returns a record with interface and local address 0, or null.
 */
export function parseEndpoint(text: string): Int32Array | null {
  const [, ipv6, ipv4, portText] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  if (portText === undefined || port < 1 || port > 65535) return null;
  const address = ipv6 === undefined ? parseIpv4(ipv4 ?? "") : parseIpv6(ipv6);
  if (address === null) return null;
  const record = new Int32Array(ENDPOINT_WORDS);
  record[ENDPOINT_FAMILY] = address.length === 4 ? 4 : 6;
  record[ENDPOINT_PORT] = port;
  new Uint8Array(record.buffer).set(address, ENDPOINT_REMOTE * 4);
  return record;
}

/** The remote address and port of the record at records[index * 12], as `parseEndpoint` takes it; IPv6 by RFC 5952. */
export function formatEndpoint(records: Int32Array, index = 0): string {
  const base = index * ENDPOINT_WORDS;
  const port = records[base + ENDPOINT_PORT] ?? 0;
  const bytes = addressBytes(records, base + ENDPOINT_REMOTE);
  return records[base + ENDPOINT_FAMILY] === 6
    ? `[${formatIpv6(bytes)}]:${port}`
    : `${bytes.subarray(0, 4).join(".")}:${port}`;
}

/** Whether two records are the same in every word, so the local address and interface too. Allocates nothing. */
export function sameEndpoint(a: Int32Array, aIndex: number, b: Int32Array, bIndex: number): boolean {
  const aBase = aIndex * ENDPOINT_WORDS;
  const bBase = bIndex * ENDPOINT_WORDS;
  for (let word = 0; word < ENDPOINT_WORDS; word++) {
    if (a[aBase + word] !== b[bBase + word]) return false;
  }
  return true;
}

function addressBytes(records: Int32Array, word: number): Uint8Array {
  return new Uint8Array(records.buffer, records.byteOffset + word * 4, 16);
}

function parseIpv4(text: string): number[] | null {
  const parts = text.split(".");
  const valid = parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
  return valid ? parts.map(Number) : null;
}

/** RFC 4291 section 2.2: eight groups, at most one "::", the last two groups possibly as dotted IPv4. */
function parseIpv6(text: string): number[] | null {
  const halves = text.split("::");
  const head = ipv6Groups(halves[0] ?? "", halves.length === 1);
  const tail = ipv6Groups(halves[1] ?? "", true);
  if (halves.length > 2 || head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail].flatMap((group) => [group >> 8, group & 0xff]);
}

function ipv6Groups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const ipv4 = mayEndInIpv4 && index === parts.length - 1 && part.includes(".") ? parseIpv4(part) : null;
    if (ipv4 !== null) groups.push(((ipv4[0] ?? 0) << 8) | (ipv4[1] ?? 0), ((ipv4[2] ?? 0) << 8) | (ipv4[3] ?? 0));
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

/** RFC 5952 section 4: lower case, no leading zeros, the longest run of two or more zero groups (the first one) as "::". */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0));
  const [start, length] = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best[1]) best = [start, index + 1 - start];
  });
  return best;
}
