import { u8, u16 } from "./bytes.ts";

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const NO_NEXT_HEADER = 59;
const DESTINATION_OPTIONS = 60;
/** RFC 8200 section 4.1 names at most seven in a packet; one that has more is not looked into further. */
const MAX_EXTENSIONS = 8;
/** Offset and more-fragments flag of the fragment header; both 0 in an "atomic" fragment (RFC 6946), which is whole. */
const FRAGMENT_MASK = 0xfff9;

/** The part of a frame view that is filled in here. */
interface Ipv6Headers {
  readonly pool: Uint8Array;
  readonly ipEnd: number;
  protocol: number;
  isFragment: boolean;
}

/**
 * Walks the IPv6 extension headers (RFC 8200 section 4) from `at`, where the header numbered headers.protocol starts.
 * Sets the protocol behind them and whether this is a fragment.
 *
 * @returns where that protocol's header starts, or -1 when there is none to read: a fragment, the end, a header cut short.
 */
export function walkExtensions(headers: Ipv6Headers, at: number): number {
  const pool = headers.pool;
  for (let count = 0; count < MAX_EXTENSIONS; count++) {
    const type = headers.protocol;
    if (type === NO_NEXT_HEADER) return -1;
    if (type !== FRAGMENT && type !== HOP_BY_HOP && type !== ROUTING && type !== DESTINATION_OPTIONS) return at;
    if (at + 8 > headers.ipEnd) return -1;
    headers.protocol = u8(pool, at);
    if (type === FRAGMENT) {
      headers.isFragment = (u16(pool, at + 2) & FRAGMENT_MASK) !== 0;
      if (headers.isFragment) return -1;
      at += 8;
    } else {
      at += (u8(pool, at + 1) + 1) * 8;
    }
  }
  return -1;
}
