import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clampMss, FrameView } from "../../src/packet/index.ts";
import { ethernet, ipv4, ipv6, tcp, u16, udp } from "./frames.ts";

const SYN = 0x02;
const mss = (value: number): number[] => [2, 4, ...u16(value)];

interface Sample {
  readonly view: FrameView;
  readonly pool: Uint8Array;
}

/** The frame with a correct TCP checksum. */
function sample(bytes: number[]): Sample {
  const pool = Uint8Array.from(bytes);
  const view = new FrameView();
  view.parse(pool, 0, pool.length);
  const sum = checksum(view);
  pool[view.l4Offset + 16] = sum >> 8;
  pool[view.l4Offset + 17] = sum & 0xff;
  return { view, pool };
}

/** RFC 9293 section 3.1 over pseudo header and segment: 0 when the checksum in it is right. */
function checksum({ pool, l4Offset, ipEnd, ipVersion, sourceAddressOffset }: FrameView): number {
  const addresses = pool.slice(sourceAddressOffset, sourceAddressOffset + (ipVersion === 4 ? 8 : 32));
  const bytes = [...addresses, 0, 6, ...u16(ipEnd - l4Offset), ...pool.slice(l4Offset, ipEnd)];
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const overIpv4 = (segment: number[], tags: [number, number][] = []) =>
  sample(ethernet(0x0800, ipv4(segment, { protocol: 6 }), tags));
const overIpv6 = (segment: number[]) => sample(ethernet(0x86dd, ipv6(segment, { protocol: 6 })));
const mssAt = ({ pool, view }: Sample, at: number): number =>
  ((pool[view.l4Offset + at] ?? 0) << 8) | (pool[view.l4Offset + at + 1] ?? 0);

describe("clampMss", () => {
  it.each([
    ["IPv4", overIpv4(tcp(1, 2, SYN, mss(1460))), 1392],
    ["IPv6", overIpv6(tcp(1, 2, SYN, mss(1440))), 1372],
    ["a SYN-ACK in a VLAN", overIpv4(tcp(1, 2, 0x12, mss(1460)), [[0x8100, 5]]), 1392],
  ])("lowers it to what fits: %s", (_, syn, expected) => {
    expect(clampMss(syn.pool, syn.view, 1432)).toBe(true);
    expect(mssAt(syn, 22)).toBe(expected);
    expect(checksum(syn.view)).toBe(0);
  });

  it("finds it behind other options, at an odd place too", () => {
    const syn = overIpv4(tcp(1, 2, SYN, [1, 3, 3, 7, 1, ...mss(1460)]));
    expect(clampMss(syn.pool, syn.view, 1300)).toBe(true);
    expect(mssAt(syn, 27)).toBe(1260);
    expect(checksum(syn.view)).toBe(0);
  });

  it.each([
    ["a smaller MSS", overIpv4(tcp(1, 2, SYN, mss(536)))],
    ["a SYN without the option", overIpv4(tcp(1, 2, SYN, [3, 3, 7, 0]))],
    ["a segment that is no SYN", overIpv4(tcp(1, 2, 0x10, mss(1460)))],
    ["an option of length 0", overIpv4(tcp(1, 2, SYN, [8, 0, ...mss(1460)]))],
    ["an option longer than the header", overIpv4(tcp(1, 2, SYN, [8, 60, ...mss(1460)]))],
    ["an MSS option of another length", overIpv4(tcp(1, 2, SYN, [2, 6, 5, 180, 5, 180]))],
    ["options after the end mark", overIpv4(tcp(1, 2, SYN, [0, ...mss(1460)]))],
    ["UDP", sample(ethernet(0x0800, ipv4(udp(1, 2))))],
  ])("leaves %s alone", (_, { pool, view }) => {
    const before = [...pool];
    expect(clampMss(pool, view, 1432)).toBe(false);
    expect([...pool]).toEqual(before);
  });

  it("stays inside the segment and keeps the checksum right, whatever the options are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 576, max: 1500 }), (options, mtu) => {
        const { pool, view } = overIpv4(tcp(1, 2, SYN, [...options]));
        const before = Uint8Array.from(pool);
        const isChanged = clampMss(pool, view, mtu);
        expect(checksum(view)).toBe(0);
        expect(Buffer.compare(before.subarray(0, view.l4Offset + 16), pool.subarray(0, view.l4Offset + 16))).toBe(0);
        if (!isChanged) expect(Buffer.compare(before, pool)).toBe(0);
      }),
    );
  });

  it("never touches a header that reaches behind its packet", () => {
    const { pool, view } = overIpv4(tcp(1, 2, SYN, mss(1460)));
    pool[view.l4Offset + 12] = 0xf0;
    expect(clampMss(pool, view, 1432)).toBe(false);
  });
});
