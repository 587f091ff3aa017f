/** Frames made and judged without the addon: plain, slow and independent of it. */

export const FIN = 0x01;
export const SYN = 0x02;
export const PSH = 0x08;
export const ACK = 0x10;
export const ECE = 0x40;
export const CWR = 0x80;

interface IpFields {
  readonly v6: boolean;
  /** TPIDs of VLAN tags, outermost first. */
  readonly tags?: readonly number[];
  readonly port: number;
  readonly payload: Uint8Array;
  readonly identification?: number;
  readonly tos?: number;
  readonly dontFragment?: boolean;
}

export interface TcpFrame extends IpFields {
  readonly sequence: number;
  readonly flags: number;
  readonly timestamp?: number;
}

export const TPID_8021Q = 0x8100;
export const TPID_8021AD = 0x88a8;
const TCP = 6;
const UDP = 17;
const MAC_BYTES = Buffer.from("0200000000020200000000ff", "hex");

function onesComplementSum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.byteLength; i++) sum += i % 2 === 0 ? (bytes[i] ?? 0) << 8 : (bytes[i] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

function pseudoHeader(ip: Buffer, v6: boolean, protocol: number, bytes: number): Buffer {
  const tail = Buffer.alloc(4);
  tail.writeUInt8(protocol, 1);
  tail.writeUInt16BE(bytes, 2);
  return Buffer.concat([v6 ? ip.subarray(8, 40) : ip.subarray(12, 20), tail]);
}

function ethernet(v6: boolean, tags: readonly number[]): Buffer {
  const types = [...tags, v6 ? 0x86dd : 0x0800];
  const header = Buffer.alloc(12 + types.length * 4 - 2);
  MAC_BYTES.copy(header);
  types.forEach((type, i) => {
    header.writeUInt16BE(type, 12 + i * 4);
    if (i < tags.length) header.writeUInt16BE(100 + i, 14 + i * 4);
  });
  return header;
}

function ipHeader(frame: IpFields, protocol: number, bytes: number): Buffer {
  const { v6, identification = 0, tos = 0, dontFragment = true } = frame;
  if (v6) {
    const ip = Buffer.alloc(40);
    ip.writeUInt32BE(0x60000000 + (tos << 20), 0);
    ip.writeUInt16BE(bytes, 4);
    ip.set([protocol, 64], 6);
    Buffer.from("fd000000000000000000000000000001fd000000000000000000000000000002", "hex").copy(ip, 8);
    return ip;
  }
  const ip = Buffer.alloc(20);
  ip.set([0x45, tos], 0);
  ip.writeUInt16BE(bytes + 20, 2);
  ip.writeUInt16BE(identification & 0xffff, 4);
  ip.set([dontFragment ? 0x40 : 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 6);
  ip.writeUInt16BE(0xffff - onesComplementSum(ip), 10);
  return ip;
}

/** An Ethernet frame with a TCP segment that carries a timestamp option; all checksums are right. */
export function tcpFrame(frame: TcpFrame): Buffer {
  const tcp = Buffer.alloc(32);
  tcp.writeUInt16BE(frame.port, 0);
  tcp.writeUInt16BE(443, 2);
  tcp.writeUInt32BE(frame.sequence >>> 0, 4);
  tcp.writeUInt32BE(77, 8);
  tcp.set([0x80, frame.flags, 0x20, 0x00], 12);
  tcp.set([1, 1, 8, 10], 20);
  tcp.writeUInt32BE(frame.timestamp ?? 1, 24);
  return assemble(frame, TCP, Buffer.concat([tcp, frame.payload]), 16);
}

export function udpFrame(frame: IpFields): Buffer {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(frame.port, 0);
  udp.writeUInt16BE(443, 2);
  udp.writeUInt16BE(8 + frame.payload.byteLength, 4);
  return assemble(frame, UDP, Buffer.concat([udp, frame.payload]), 6);
}

function assemble(frame: IpFields, protocol: number, transport: Buffer, checksumAt: number): Buffer {
  const ip = ipHeader(frame, protocol, transport.byteLength);
  const pseudo = pseudoHeader(ip, frame.v6, protocol, transport.byteLength);
  transport.writeUInt16BE(0xffff - onesComplementSum(transport, onesComplementSum(pseudo)), checksumAt);
  return Buffer.concat([ethernet(frame.v6, frame.tags ?? []), ip, transport]);
}

/** What a kernel hands to a TAP for a long frame: a virtio_net_hdr, and only the pseudo header in the checksum. */
export function superFrame(frame: Buffer, gsoBytes: number): Buffer {
  const parsed = parseFrame(frame);
  if (parsed === null) throw new Error("no super-frame of this kind");
  const { v6, protocol, ip, transport } = parsed;
  const isTcp = protocol === TCP;
  const checksumAt = isTcp ? 16 : 6;
  const start = frame.length - transport.length;
  const pseudo = pseudoHeader(ip, v6, protocol, transport.byteLength);
  transport.writeUInt16BE(onesComplementSum(pseudo), checksumAt);
  const header = Buffer.alloc(10);
  const ecn = isTcp && (transport.readUInt8(13) & CWR) !== 0 ? 0x80 : 0;
  header.set([1, (isTcp ? (v6 ? 4 : 1) : 5) | ecn]);
  header.writeUInt16LE(frame.length - parsed.payload.length, 2);
  header.writeUInt16LE(gsoBytes, 4);
  header.writeUInt16LE(start, 6);
  header.writeUInt16LE(checksumAt, 8);
  return Buffer.concat([header, frame]);
}

export interface ParsedFrame {
  readonly tags: number;
  readonly v6: boolean;
  readonly protocol: number;
  readonly ip: Buffer;
  /** The transport header and what is behind it. */
  readonly transport: Buffer;
  readonly payload: Buffer;
}

/** @returns null for what is neither TCP nor UDP over IP. */
export function parseFrame(frame: Buffer): ParsedFrame | null {
  let at = 12;
  while ([TPID_8021Q, TPID_8021AD].includes(frame.readUInt16BE(at))) at += 4;
  const type = frame.readUInt16BE(at);
  if (type !== 0x0800 && type !== 0x86dd) return null;
  const v6 = type === 0x86dd;
  const packet = frame.subarray(at + 2);
  const ip = packet.subarray(0, v6 ? 40 : (packet.readUInt8(0) & 15) * 4);
  const protocol = packet.readUInt8(v6 ? 6 : 9);
  if (protocol !== TCP && protocol !== UDP) return null;
  const transport = packet.subarray(ip.byteLength, v6 ? 40 + packet.readUInt16BE(4) : packet.readUInt16BE(2));
  const headerBytes = protocol === UDP ? 8 : (transport.readUInt8(12) >> 4) * 4;
  return { tags: (at - 12) / 4, v6, protocol, ip, transport, payload: transport.subarray(headerBytes) };
}

/** Whether the IPv4 header's checksum and that of TCP or UDP are right. */
export function hasRightChecksums({ v6, protocol, ip, transport }: ParsedFrame): boolean {
  if (!v6 && onesComplementSum(ip) !== 0xffff) return false;
  if (protocol === UDP && transport.readUInt16BE(6) === 0) return !v6;
  const pseudo = pseudoHeader(ip, v6, protocol, transport.byteLength);
  return onesComplementSum(transport, onesComplementSum(pseudo)) === 0xffff;
}
