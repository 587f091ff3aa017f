import { FrameView, parseIpAddress } from "../../src/packet/index.ts";

/** Builds packets for tests; all checksums but TCP's are left 0. */
const MAC_A = [0x02, 0, 0, 0, 0, 0x0a];
const MAC_B = [0x02, 0, 0, 0, 0, 0x0b];

export const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];
const address = (text: string): number[] => [...(parseIpAddress(text) ?? [])];

export interface IpOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  /** IPv4: the flags and offset word. */
  readonly fragment?: number;
  readonly options?: number[];
  readonly dscp?: number;
}

export function ipv4(payload: number[], options: IpOptions = {}): number[] {
  const { source = "10.0.0.1", destination = "10.0.0.2", protocol = 17, fragment = 0, dscp = 0 } = options;
  const extra = options.options ?? [];
  const total = 20 + extra.length + payload.length;
  const head = [0x40 | (5 + extra.length / 4), dscp << 2, ...u16(total), 0, 1, ...u16(fragment), 64, protocol, 0, 0];
  return [...head, ...address(source), ...address(destination), ...extra, ...payload];
}

export function ipv6(payload: number[], options: IpOptions = {}): number[] {
  const { source = "2001:db8::1", destination = "2001:db8::2", protocol = 17, dscp = 0 } = options;
  const head = [...u16((6 << 12) | (dscp << 6)), 0, 0, ...u16(payload.length), protocol, 64];
  return [...head, ...address(source), ...address(destination), ...payload];
}

export function ethernet(type: number, payload: number[], tags: readonly [number, number][] = []): number[] {
  const tagBytes = tags.flatMap(([tagType, id]) => [...u16(tagType), ...u16(id)]);
  return [...MAC_B, ...MAC_A, ...tagBytes, ...u16(type), ...payload];
}

export const udp = (source: number, destination: number, data: number[] = [1, 2, 3, 4]): number[] => [
  ...u16(source),
  ...u16(destination),
  ...u16(8 + data.length),
  0,
  0,
  ...data,
];

export function tcp(source: number, destination: number, flags = 0x10, options: number[] = []): number[] {
  const padding = Array.from({ length: (4 - (options.length % 4)) % 4 }, () => 0);
  const words = 5 + (options.length + padding.length) / 4;
  const head = [...u16(source), ...u16(destination), ...u32(7), ...u32(9), words << 4, flags, ...u16(4096), 0, 0, 0, 0];
  return [...head, ...options, ...padding];
}

/** A view of the frame, which lies between bytes that do not belong to it. */
export function viewOf(frame: readonly number[], before = 66): FrameView {
  const view = new FrameView();
  view.parse(poolOf(frame, before), before, frame.length);
  return view;
}

export function ipViewOf(packet: readonly number[], before = 66): FrameView {
  const view = new FrameView();
  view.parseIp(poolOf(packet, before), before, packet.length);
  return view;
}

function poolOf(frame: readonly number[], before = 66): Uint8Array {
  return Uint8Array.from([
    ...Array.from({ length: before }, () => 0xee),
    ...frame,
    ...Array.from({ length: 99 }, () => 0xee),
  ]);
}

/** A frame of one UDP flow over IPv4. */
export const flowFrame = (sourcePort: number, source = "10.0.0.1"): FrameView =>
  viewOf(ethernet(0x0800, ipv4(udp(sourcePort, 443), { source })));
