import { u8, u16 } from "./bytes.ts";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, type FrameView } from "./frame-view.ts";

const ETHERTYPE_PPPOE_SESSION = 0x8864;
const PROTOCOL_IPV4 = 4;
const PROTOCOL_IPV6 = 41;
const PROTOCOL_GRE = 47;
const GRE_ETHERNET = 0x6558;
const GRE_PPP = 0x880b;
const PPP_IPV4 = 0x21;
const PPP_IPV6 = 0x57;

/**
 * Parses what a tunnel carries: PPPoE, IPIP and IPIP6 (protocol 4), 6to4 and IPv6 in IPv6 (41), GRE and GRE6 with IP
 * or Ethernet inside, PPTP (GRE version 1 with PPP). Outer fragments are not looked into.
 *
 * @returns false when outer is no such tunnel, or when it carries no IP that can be read (PPP control, MPPE); then the
 * contents of inner mean nothing.
 */
export function decapsulate(outer: FrameView, inner: FrameView): boolean {
  const at = outer.l4Offset;
  if (outer.ethertype === ETHERTYPE_PPPOE_SESSION) {
    parsePppoe(outer, inner);
  } else if (at < 0) {
    return false;
  } else if (outer.protocol === PROTOCOL_IPV4 || outer.protocol === PROTOCOL_IPV6) {
    inner.parseIp(outer.pool, at, outer.ipEnd - at);
  } else if (outer.protocol === PROTOCOL_GRE) {
    parseGre(outer, inner, at);
  } else {
    return false;
  }
  return inner.ipOffset >= 0;
}

/** RFC 2516 section 4: version and type 1, code 0, session, length. */
function parsePppoe(outer: FrameView, inner: FrameView): void {
  const at = outer.payloadOffset;
  const whole = at + 6 <= outer.end && u16(outer.pool, at) === 0x1100;
  const end = whole ? Math.min(at + 6 + u16(outer.pool, at + 4), outer.end) : at;
  parsePpp(outer, inner, at + 6, end);
}

/** RFC 2784 and RFC 2890 (version 0), RFC 2637 section 4.1 (version 1). */
function parseGre(outer: FrameView, inner: FrameView, at: number): void {
  const { pool, ipEnd } = outer;
  inner.parseIp(pool, at, 0);
  if (at + 4 > ipEnd) return;
  const flags = u16(pool, at);
  const type = u16(pool, at + 2);
  const optionalBytes = ((flags >> 13) & 1) * 4 + ((flags >> 12) & 1) * 4;
  if ((flags & 7) === 1) {
    const acknowledgeBytes = ((flags >> 7) & 1) * 4;
    if (type === GRE_PPP) parsePpp(outer, inner, at + 4 + optionalBytes + acknowledgeBytes, ipEnd);
    return;
  }
  // The routing bit of RFC 1701 is deprecated; its fields have no fixed length.
  if ((flags & 0x4007) !== 0) return;
  const payload = at + 4 + optionalBytes + (flags >> 15) * 4;
  if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) inner.parseIp(pool, payload, ipEnd - payload);
  else if (type === GRE_ETHERNET) inner.parse(pool, payload, ipEnd - payload);
}

/** RFC 1661 section 2, RFC 1662 section 3.1: address and control may be left out, the protocol may be one byte. */
function parsePpp(outer: FrameView, inner: FrameView, start: number, end: number): void {
  const pool = outer.pool;
  inner.parseIp(pool, start, 0);
  let at = start;
  if (at + 2 <= end && u16(pool, at) === 0xff03) at += 2;
  if (at + 2 > end) return;
  const isShort = (u8(pool, at) & 1) === 1;
  const protocol = isShort ? u8(pool, at) : u16(pool, at);
  at += isShort ? 1 : 2;
  if (protocol === PPP_IPV4 || protocol === PPP_IPV6) inner.parseIp(pool, at, end - at);
}
