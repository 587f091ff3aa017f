import { u8, u16 } from "./bytes.ts";

/** A network prefix, or an interface's address with one: host bits may be set. */
export interface IpPrefix {
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  /** 0..32 or 0..128. */
  readonly bits: number;
}

/** @returns 4 or 16 bytes in network order, or null when text is no IP address. Zone names (`%eth0`) are none. */
export function parseIpAddress(text: string): Uint8Array | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** "10.200.0.2/32", "2001:db8::/64"; without a length it is one address. @returns null when text is none of these. */
export function parseIpPrefix(text: string): IpPrefix | null {
  const [address = "", length, ...rest] = text.split("/");
  const bytes = parseIpAddress(address);
  if (bytes === null || rest.length > 0) return null;
  if (length === undefined) return { bytes, bits: bytes.length * 8 };
  if (!/^\d{1,3}$/.test(length) || Number(length) > bytes.length * 8) return null;
  return { bytes, bits: Number(length) };
}

/** The address at offset as text; IPv6 as RFC 5952 wants it. @param version 4 or 6. */
export function formatIpAddress(pool: Uint8Array, offset: number, version: number): string {
  if (version === 4) return Array.from({ length: 4 }, (_, byte) => u8(pool, offset + byte)).join(".");
  const words = Array.from({ length: 8 }, (_, word) => u16(pool, offset + word * 2));
  const { start, length } = longestZeroRun(words);
  const hex = (part: readonly number[]) => part.map((word) => word.toString(16)).join(":");
  if (length < 2) return hex(words);
  return `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}

/** Dotted decimal with four numbers. Leading zeros are refused: some programs take them for octal. */
function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split(".");
  const isValid = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return isValid ? Uint8Array.from(parts, Number) : null;
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  const front = wordsOf(halves[0] ?? "", halves.length === 1);
  const back = wordsOf(halves[1] ?? "", true);
  if (front === null || back === null || halves.length > 2) return null;
  const gap = 8 - front.length - back.length;
  if (halves.length === 1 ? gap !== 0 : gap < 1) return null;
  const words = [...front, ...Array.from({ length: gap }, () => 0), ...back];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** 16-bit words; the last two may be written as an IPv4 address when the part ends the text. */
function wordsOf(part: string, isLast: boolean): number[] | null {
  if (part === "") return [];
  const words: number[] = [];
  const pieces = part.split(":");
  for (const [index, piece] of pieces.entries()) {
    const ipv4 = isLast && index === pieces.length - 1 && piece.includes(".") ? parseIpv4(piece) : null;
    if (ipv4 !== null) words.push(u16(ipv4, 0), u16(ipv4, 2));
    else if (/^[0-9a-fA-F]{1,4}$/.test(piece)) words.push(Number.parseInt(piece, 16));
    else return null;
  }
  return words;
}

function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, word] of words.entries()) {
    length = word === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
