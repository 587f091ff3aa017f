import { u8, u16 } from "./bytes.ts";

const NOT_ECT = 0;
const CE = 3;

/**
 * Sets "congestion experienced" on the IP packet at ipOffset, if its sender takes such marks (RFC 3168, section 5).
 *
 * @returns false when it does not, and nothing was changed: the packet has to be dropped to tell it.
 */
export function markCongestion(pool: Uint8Array, ipOffset: number): boolean {
  return u8(pool, ipOffset) >> 4 === 6 ? markIpv6(pool, ipOffset) : markIpv4(pool, ipOffset);
}

function markIpv4(pool: Uint8Array, ipOffset: number): boolean {
  const before = u16(pool, ipOffset);
  if ((before & CE) === NOT_ECT) return false;
  const after = before | CE;
  pool[ipOffset + 1] = after & 0xff;
  // RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
  const sum = (~u16(pool, ipOffset + 10) & 0xffff) + (~before & 0xffff) + after;
  const folded = (sum & 0xffff) + (sum >> 16);
  const checksum = ~((folded & 0xffff) + (folded >> 16)) & 0xffff;
  pool[ipOffset + 10] = checksum >> 8;
  pool[ipOffset + 11] = checksum & 0xff;
  return true;
}

/** The two bits are the lower ones of the traffic class, which lies across the first two bytes. */
function markIpv6(pool: Uint8Array, ipOffset: number): boolean {
  const second = u8(pool, ipOffset + 1);
  if (((second >> 4) & CE) === NOT_ECT) return false;
  pool[ipOffset + 1] = second | (CE << 4);
  return true;
}
