import { u8, u16 } from "./bytes.ts";
import { type FrameView, TCP_SYN } from "./frame-view.ts";

const TCP_MIN_BYTES = 20;
const CHECKSUM_AT = 16;
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;

/**
 * Lowers the MSS that a SYN or SYN-ACK announces to what fits the MTU, in place, with its checksum. It never raises one
 * and adds none: a SYN without the option means 536 bytes (RFC 9293 section 3.7.1) and needs no help.
 *
 * @param pool where view lies. @param mtuBytes largest inner IP packet, >= 60.
 * @returns whether the frame was changed.
 */
export function clampMss(pool: Uint8Array, view: FrameView, mtuBytes: number): boolean {
  if ((view.tcpFlags & TCP_SYN) === 0) return false;
  const tcp = view.l4Offset;
  const headerEnd = tcp + (u8(pool, tcp + 12) >> 4) * 4;
  if (headerEnd > view.ipEnd) return false;
  const maxMss = mtuBytes - TCP_MIN_BYTES - (view.ipVersion === 4 ? 20 : 40);
  let isChanged = false;
  for (let at = tcp + TCP_MIN_BYTES; at < headerEnd; ) {
    const kind = u8(pool, at);
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    const length = at + 2 <= headerEnd ? u8(pool, at + 1) : 0;
    if (length < 2 || at + length > headerEnd) break;
    if (kind === OPTION_MSS && length === 4 && u16(pool, at + 2) > maxMss) {
      replaceMss(pool, tcp, at + 2, maxMss);
      isChanged = true;
    }
    at += length;
  }
  return isChanged;
}

/** RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). A value at an odd place counts with its bytes swapped. */
function replaceMss(pool: Uint8Array, tcp: number, at: number, mss: number): void {
  const isOdd = ((at - tcp) & 1) === 1;
  const before = isOdd ? swap(u16(pool, at)) : u16(pool, at);
  const after = isOdd ? swap(mss) : mss;
  let sum = (~u16(pool, tcp + CHECKSUM_AT) & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  put16(pool, at, mss);
  put16(pool, tcp + CHECKSUM_AT, ~sum & 0xffff);
}

function swap(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

function put16(pool: Uint8Array, at: number, value: number): void {
  pool[at] = value >> 8;
  pool[at + 1] = value & 0xff;
}
