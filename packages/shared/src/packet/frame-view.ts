import { u8, u16 } from "./bytes.ts";
import { walkExtensions } from "./ipv6-extensions.ts";
import { isGroupMac, MAC_BYTES, macNumber } from "./mac-address.ts";

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const TCP_SYN = 0x02;

const ETHERNET_BYTES = 14;
const VLAN_TAG_BYTES = 4;
const IPV4_MIN_BYTES = 20;
const IPV6_BYTES = 40;
/** More-fragments flag and fragment offset of IPv4 (RFC 791 section 3.1). */
const IPV4_FRAGMENT_MASK = 0x3fff;

/**
 * What the packet loop knows of one frame. One object is reused for every frame: parse() overwrites all of it.
 * Offsets count from the start of the pool; -1 means that the frame has no such thing.
 *
 * Nothing outside [offset, offset + length) is read, and nothing behind the end that the IP header names is believed
 * to belong to the packet. A frame that is cut short has the fields that could be read.
 */
export class FrameView {
  pool: Uint8Array = new Uint8Array(0);
  offset = 0;
  end = 0;
  /** Destination MAC address, the source follows; -1 for a bare IP packet. */
  macOffset = -1;
  /** Behind the VLAN tags. */
  ethertype = -1;
  /** VLAN identifier of the outer tag (802.1Q or 802.1ad) and of the second one; -1 without. */
  vlanId = -1;
  innerVlanId = -1;
  /** What follows the ethertype. */
  payloadOffset = -1;

  ipOffset = -1;
  /** End of the IP packet: its own length, at most the frame's. Ethernet padding lies behind it. */
  ipEnd = -1;
  /** 4, 6, or 0 when it is not IP. */
  ipVersion = 0;
  sourceAddressOffset = -1;
  destinationAddressOffset = -1;
  /** 0..63; 0 when it is not IP. */
  dscp = 0;
  /** IP protocol behind all IPv6 extension headers; of a fragment, what its first part starts with. */
  protocol = -1;
  /** Any part of a datagram that the sender's IP cut, the first one too. */
  isFragment = false;
  /** Header of the protocol; -1 for fragments and for packets without one. */
  l4Offset = -1;
  /** Of TCP and UDP, else -1. */
  sourcePort = -1;
  destinationPort = -1;
  /** Low byte of TCP's flags (FIN SYN RST PSH ACK URG ECE CWR); 0 when it is not TCP. */
  tcpFlags = 0;

  /** An Ethernet frame. */
  parse(pool: Uint8Array, offset: number, length: number): void {
    this.#reset(pool, offset, length);
    if (this.end - offset < ETHERNET_BYTES) return;
    this.macOffset = offset;
    let at = offset + 2 * MAC_BYTES;
    if (this.#hasTag(at)) {
      this.vlanId = u16(pool, at + 2) & 0xfff;
      at += VLAN_TAG_BYTES;
      if (this.#hasTag(at)) {
        this.innerVlanId = u16(pool, at + 2) & 0xfff;
        at += VLAN_TAG_BYTES;
      }
    }
    this.ethertype = u16(pool, at);
    this.payloadOffset = at + 2;
    if (this.ethertype === ETHERTYPE_IPV4) this.#parseIpv4(at + 2);
    else if (this.ethertype === ETHERTYPE_IPV6) this.#parseIpv6(at + 2);
  }

  /** The MAC addresses as numbers below 2^48; only of an Ethernet frame (macOffset >= 0). */
  get destinationMac(): number {
    return macNumber(this.pool, this.macOffset);
  }

  get sourceMac(): number {
    return macNumber(this.pool, this.macOffset + MAC_BYTES);
  }

  get destinationIsGroup(): boolean {
    return isGroupMac(this.pool, this.macOffset);
  }

  get sourceIsGroup(): boolean {
    return isGroupMac(this.pool, this.macOffset + MAC_BYTES);
  }

  /** A bare IP packet, as a routed bond carries it. */
  parseIp(pool: Uint8Array, offset: number, length: number): void {
    this.#reset(pool, offset, length);
    if (this.end <= offset) return;
    this.payloadOffset = offset;
    const version = u8(pool, offset) >> 4;
    if (version === 4) {
      this.ethertype = ETHERTYPE_IPV4;
      this.#parseIpv4(offset);
    } else if (version === 6) {
      this.ethertype = ETHERTYPE_IPV6;
      this.#parseIpv6(offset);
    }
  }

  #reset(pool: Uint8Array, offset: number, length: number): void {
    this.pool = pool;
    this.offset = offset;
    this.end = Math.min(offset + length, pool.length);
    this.macOffset = -1;
    this.ethertype = -1;
    this.vlanId = -1;
    this.innerVlanId = -1;
    this.payloadOffset = -1;
    this.ipOffset = -1;
    this.ipEnd = -1;
    this.ipVersion = 0;
    this.sourceAddressOffset = -1;
    this.destinationAddressOffset = -1;
    this.dscp = 0;
    this.protocol = -1;
    this.isFragment = false;
    this.l4Offset = -1;
    this.sourcePort = -1;
    this.destinationPort = -1;
    this.tcpFlags = 0;
  }

  /** 802.1Q, 802.1ad, and the type QinQ had before it; the tag and the ethertype behind it must be there. */
  #hasTag(at: number): boolean {
    const type = u16(this.pool, at);
    return (type === 0x8100 || type === 0x88a8 || type === 0x9100) && at + VLAN_TAG_BYTES + 2 <= this.end;
  }

  #parseIpv4(at: number): void {
    const pool = this.pool;
    if (at + IPV4_MIN_BYTES > this.end || u8(pool, at) >> 4 !== 4) return;
    const headerBytes = (u8(pool, at) & 15) * 4;
    const totalBytes = u16(pool, at + 2);
    if (headerBytes < IPV4_MIN_BYTES || totalBytes < headerBytes || at + headerBytes > this.end) return;
    this.ipVersion = 4;
    this.ipOffset = at;
    this.ipEnd = Math.min(at + totalBytes, this.end);
    this.sourceAddressOffset = at + 12;
    this.destinationAddressOffset = at + 16;
    this.dscp = u8(pool, at + 1) >> 2;
    this.protocol = u8(pool, at + 9);
    this.isFragment = (u16(pool, at + 6) & IPV4_FRAGMENT_MASK) !== 0;
    if (!this.isFragment) this.#parseL4(at + headerBytes);
  }

  #parseIpv6(at: number): void {
    const pool = this.pool;
    if (at + IPV6_BYTES > this.end || u8(pool, at) >> 4 !== 6) return;
    this.ipVersion = 6;
    this.ipOffset = at;
    this.ipEnd = Math.min(at + IPV6_BYTES + u16(pool, at + 4), this.end);
    this.sourceAddressOffset = at + 8;
    this.destinationAddressOffset = at + 24;
    this.dscp = (u16(pool, at) >> 6) & 63;
    this.protocol = u8(pool, at + 6);
    const l4Offset = walkExtensions(this, at + IPV6_BYTES);
    if (l4Offset >= 0) this.#parseL4(l4Offset);
  }

  #parseL4(at: number): void {
    if (at >= this.ipEnd) return;
    this.l4Offset = at;
    if (this.protocol !== PROTOCOL_TCP && this.protocol !== PROTOCOL_UDP) return;
    if (at + 4 > this.ipEnd) return;
    this.sourcePort = u16(this.pool, at);
    this.destinationPort = u16(this.pool, at + 2);
    if (this.protocol === PROTOCOL_TCP && at + 14 <= this.ipEnd) this.tcpFlags = u8(this.pool, at + 13);
  }
}
