import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameView } from "../../src/packet/index.ts";
import { ethernet, ipViewOf, ipv4, ipv6, tcp, u16, udp, viewOf } from "./frames.ts";

/** A pool that fails the test when it is read outside of one packet. */
function guardedPool(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Proxy(bytes, {
    get(target, key) {
      const index = typeof key === "string" ? Number(key) : Number.NaN;
      if (Number.isInteger(index) && (index < start || index >= end))
        throw new Error(`read ${index} of [${start}, ${end})`);
      return Reflect.get(target, key, target) as unknown;
    },
  });
}

describe("FrameView", () => {
  it("reads UDP over IPv4 over Ethernet", () => {
    const view = viewOf(ethernet(0x0800, ipv4(udp(5000, 53), { dscp: 46 })));
    expect(view).toMatchObject({ macOffset: 66, ethertype: 0x0800, vlanId: -1, ipVersion: 4, ipOffset: 80, dscp: 46 });
    expect(view).toMatchObject({
      protocol: 17,
      l4Offset: 100,
      sourcePort: 5000,
      destinationPort: 53,
      isFragment: false,
    });
    expect(view.sourceMac).toBe(0x02000000000a);
    expect(view.destinationMac).toBe(0x02000000000b);
    expect(view.destinationIsGroup).toBe(false);
  });

  it("reads the flags of TCP and steps over IPv4 options", () => {
    const view = ipViewOf(ipv4(tcp(40000, 80, 0x12), { protocol: 6, options: [1, 1, 1, 0] }));
    expect(view).toMatchObject({ macOffset: -1, l4Offset: 66 + 24, sourcePort: 40000, tcpFlags: 0x12 });
  });

  it("reads through 802.1Q and QinQ tags", () => {
    const single = viewOf(ethernet(0x0800, ipv4(udp(1, 2)), [[0x8100, 0x6005]]));
    expect(single).toMatchObject({ vlanId: 5, innerVlanId: -1, ethertype: 0x0800, destinationPort: 2 });
    const double = viewOf(
      ethernet(0x86dd, ipv6(udp(1, 2)), [
        [0x88a8, 7],
        [0x8100, 9],
      ]),
    );
    expect(double).toMatchObject({ vlanId: 7, innerVlanId: 9, ethertype: 0x86dd, ipVersion: 6, destinationPort: 2 });
  });

  it("walks IPv6 extension headers", () => {
    const extensions = [
      43,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      60,
      1,
      ...Array.from({ length: 14 }, () => 0),
      17,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ];
    const view = ipViewOf(ipv6([...extensions, ...udp(1000, 2000)], { protocol: 0, dscp: 10 }));
    expect(view).toMatchObject({ protocol: 17, sourcePort: 1000, dscp: 10, l4Offset: 66 + 40 + 32 });
  });

  it("gives up on an endless chain of extension headers", () => {
    const chain = Array.from({ length: 20 }, () => [60, 0, 0, 0, 0, 0, 0, 0]).flat();
    expect(ipViewOf(ipv6(chain, { protocol: 60 })).l4Offset).toBe(-1);
  });

  it.each([
    ["first of IPv4", ipv4(udp(1, 2), { fragment: 0x2000 }), true],
    ["later of IPv4", ipv4([9, 9, 9, 9, 9, 9, 9, 9], { fragment: 0x0003 }), true],
    ["IPv4 with DF only", ipv4(udp(1, 2), { fragment: 0x4000 }), false],
    ["first of IPv6", ipv6([17, 0, 0, 1, 0, 0, 0, 5, ...udp(1, 2)], { protocol: 44 }), true],
    ["later of IPv6", ipv6([17, 0, 0, 8, 0, 0, 0, 5, 1, 2, 3, 4], { protocol: 44 }), true],
    ["atomic of IPv6", ipv6([17, 0, 0, 0, 0, 0, 0, 5, ...udp(1, 2)], { protocol: 44 }), false],
  ])("knows a fragment: %s", (_, packet, isFragment) => {
    const view = ipViewOf(packet);
    expect(view).toMatchObject({ isFragment, protocol: 17, sourcePort: isFragment ? -1 : 1 });
    expect(view.l4Offset >= 0).toBe(!isFragment);
  });

  it.each([
    ["ARP", ethernet(0x0806, [0, 1, 8, 0])],
    ["IPv4 that says it is IPv6", ethernet(0x0800, ipv6(udp(1, 2)))],
    ["an IPv4 header of 16 bytes", ethernet(0x0800, [0x44, ...ipv4(udp(1, 2)).slice(1)])],
    ["an IPv4 length below its header", ethernet(0x0800, [0x45, 0, ...u16(19), ...ipv4(udp(1, 2)).slice(4)])],
  ])("takes %s for no IP", (_, frame) => {
    expect(viewOf(frame)).toMatchObject({ ipOffset: -1, ipVersion: 0, protocol: -1, sourcePort: -1 });
  });

  it("does not take Ethernet padding for ports", () => {
    const view = viewOf([...ethernet(0x0800, ipv4([], { protocol: 17 })), ...Array.from({ length: 26 }, () => 7)]);
    expect(view).toMatchObject({ ipVersion: 4, l4Offset: -1, sourcePort: -1 });
  });

  it("remembers nothing of the frame before", () => {
    const view = new FrameView();
    const bytes = Uint8Array.from(ethernet(0x0800, ipv4(tcp(1, 2, 0x12), { protocol: 6 }), [[0x8100, 5]]));
    view.parse(bytes, 0, bytes.length);
    view.parse(bytes, 0, 3);
    const fresh = new FrameView();
    fresh.parse(bytes, 0, 3);
    expect({ ...view }).toEqual({ ...fresh });
  });

  it("reads nothing outside the packet, whatever it holds and wherever it is cut", () => {
    const seeds = [
      ethernet(0x0800, ipv4(tcp(1, 2, 2, [2, 4, 5, 180]), { protocol: 6 }), [
        [0x88a8, 1],
        [0x8100, 2],
      ]),
      ethernet(0x86dd, ipv6([60, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, ...udp(1, 2)], { protocol: 0 })),
    ];
    const change = fc.record({ at: fc.nat(99), byte: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(change, { maxLength: 6 }),
        fc.nat(110),
        fc.nat(40),
        (seed, changes, cut, before) => {
          const frame = Uint8Array.from(seed);
          for (const { at, byte } of changes) frame[at % frame.length] = byte;
          const length = Math.min(cut, frame.length);
          const bytes = new Uint8Array(before + frame.length + 8);
          bytes.set(frame, before);
          const view = new FrameView();
          view.parse(guardedPool(bytes, before, before + length), before, length);
          view.parseIp(guardedPool(bytes, before + 14, before + length), before + 14, length - 14);
          expect(view.ipEnd).toBeLessThanOrEqual(before + length);
        },
      ),
    );
  });
});
