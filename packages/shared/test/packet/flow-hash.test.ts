import { describe, expect, it } from "vitest";
import {
  FlowHasher,
  type FrameView,
  flowSlot,
  parseTransmitHashPolicy,
  TRANSMIT_HASH_POLICIES,
} from "../../src/packet/index.ts";
import { ethernet, flowFrame, ipViewOf, ipv4, ipv6, tcp, u16, udp, viewOf } from "./frames.ts";

type Name = (typeof TRANSMIT_HASH_POLICIES)[number];
const HASHERS = Object.fromEntries(TRANSMIT_HASH_POLICIES.map((name) => [name, new FlowHasher(name)])) as Record<
  Name,
  FlowHasher
>;
const hash = (name: Name, view: FrameView): number => HASHERS[name].hash(view);

/** Which of the policies tell two frames apart. */
function tellingApart(a: FrameView, b: FrameView): Name[] {
  return TRANSMIT_HASH_POLICIES.filter((name) => hash(name, a) !== hash(name, b));
}

const withMac = (frame: number[], last: number): number[] => [...frame.slice(0, 11), last, ...frame.slice(12)];
const BASE = ethernet(0x0800, ipv4(udp(1000, 2000)));

describe("transmit hash policies", () => {
  it.each<[string, number[], Name[]]>([
    ["MAC address", withMac(BASE, 0x77), ["layer2", "layer2+3", "encap2+3"]],
    [
      "IP address",
      ethernet(0x0800, ipv4(udp(1000, 2000), { source: "10.0.0.9" })),
      ["layer2+3", "layer3+4", "encap2+3", "encap3+4"],
    ],
    ["source port", ethernet(0x0800, ipv4(udp(1001, 2000))), ["layer3+4", "encap3+4"]],
    ["destination port", ethernet(0x0800, ipv4(udp(1000, 2001))), ["layer3+4", "encap3+4"]],
    ["VLAN", ethernet(0x0800, ipv4(udp(1000, 2000)), [[0x8100, 5]]), ["layer2", "layer2+3", "encap2+3"]],
    ["payload", ethernet(0x0800, ipv4(udp(1000, 2000, [9, 9, 9, 9]))), []],
  ])("a different %s counts in the policies that name it", (_, frame, names) => {
    expect(tellingApart(viewOf(BASE), viewOf(frame))).toEqual(names);
  });

  it("does so for IPv6, over all bytes of the addresses", () => {
    const base = viewOf(ethernet(0x86dd, ipv6(tcp(1000, 2000), { protocol: 6 })));
    for (const source of ["2001:db8::9", "2001:db8:0:9::1", "9001:db8::1", "2001:db8::9:0:1"]) {
      const other = viewOf(ethernet(0x86dd, ipv6(tcp(1000, 2000), { protocol: 6, source })));
      expect(tellingApart(base, other)).toEqual(["layer2+3", "layer3+4", "encap2+3", "encap3+4"]);
    }
    const port = viewOf(ethernet(0x86dd, ipv6(tcp(1001, 2000), { protocol: 6 })));
    expect(tellingApart(base, port)).toEqual(["layer3+4", "encap3+4"]);
  });

  it("layer3+4 leaves the ports of fragments out, and those of other protocols", () => {
    const first = viewOf(ethernet(0x0800, ipv4(udp(1000, 2000), { fragment: 0x2000 })));
    const later = viewOf(ethernet(0x0800, ipv4([7, 7, 7, 7, 7, 7, 7, 7], { fragment: 0x0002 })));
    expect(tellingApart(first, later)).toEqual([]);
    const sctp = (port: number) => viewOf(ethernet(0x0800, ipv4(udp(port, 2000), { protocol: 132 })));
    expect(tellingApart(sctp(1), sctp(2))).toEqual([]);
  });

  it("keeps ICMP between two hosts together, echo by echo", () => {
    const echo = (sequence: number) =>
      viewOf(ethernet(0x0800, ipv4([8, 0, 0, 0, 0, 1, ...u16(sequence)], { protocol: 1 })));
    expect(tellingApart(echo(1), echo(2))).toEqual([]);
  });

  it("hashes frames that are not IP by layer2", () => {
    const arp = (mac: number) => viewOf(withMac(ethernet(0x0806, [0, 1, 8, 0, mac]), mac));
    expect(tellingApart(arp(1), arp(2))).toEqual([...TRANSMIT_HASH_POLICIES]);
    expect(new Set(TRANSMIT_HASH_POLICIES.map((name) => hash(name, arp(1)))).size).toBe(1);
  });

  const inner4 = (port: number) => ipv4(udp(port, 80));
  const inner6 = (port: number) => ipv6(udp(port, 80));
  const gre = (flags: number, type: number, ...optional: number[]) => [...u16(flags), ...u16(type), ...optional];
  it.each<[string, (port: number) => number[]]>([
    ["6to4", (port) => ethernet(0x0800, ipv4(inner6(port), { protocol: 41 }))],
    ["IPIP", (port) => ethernet(0x0800, ipv4(inner4(port), { protocol: 4 }))],
    ["IPIP6", (port) => ethernet(0x86dd, ipv6(inner4(port), { protocol: 4 }))],
    ["IPv6 in IPv6", (port) => ethernet(0x86dd, ipv6(inner6(port), { protocol: 41 }))],
    ["GRE", (port) => ethernet(0x0800, ipv4([...gre(0, 0x0800), ...inner4(port)], { protocol: 47 }))],
    [
      "GRE with checksum, key and sequence",
      (port) =>
        ethernet(
          0x0800,
          ipv4([...gre(0xb000, 0x86dd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1), ...inner6(port)], { protocol: 47 }),
        ),
    ],
    ["GRE6", (port) => ethernet(0x86dd, ipv6([...gre(0x2000, 0x0800, 0, 0, 0, 9), ...inner4(port)], { protocol: 47 }))],
    [
      "Ethernet in GRE",
      (port) => ethernet(0x0800, ipv4([...gre(0, 0x6558), ...ethernet(0x0800, inner4(port))], { protocol: 47 })),
    ],
    ["PPPoE", (port) => ethernet(0x8864, [0x11, 0, 0, 5, ...u16(2 + inner4(port).length), 0, 0x21, ...inner4(port)])],
    [
      "PPPoE with IPv6",
      (port) => ethernet(0x8864, [0x11, 0, 0, 5, ...u16(2 + inner6(port).length), 0, 0x57, ...inner6(port)]),
    ],
    [
      "PPTP",
      (port) =>
        ethernet(
          0x0800,
          ipv4([...gre(0x3081, 0x880b, 0, 40, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2), 0xff, 3, 0, 0x21, ...inner4(port)], {
            protocol: 47,
          }),
        ),
    ],
    [
      "PPTP with compressed PPP",
      (port) => ethernet(0x0800, ipv4([...gre(0x2001, 0x880b, 0, 40, 0, 7), 0x21, ...inner4(port)], { protocol: 47 })),
    ],
    [
      "GRE in IPIP",
      (port) => ethernet(0x0800, ipv4(ipv4([...gre(0, 0x0800), ...inner4(port)], { protocol: 47 }), { protocol: 4 })),
    ],
  ])("encap policies look into %s", (_, build) => {
    expect(tellingApart(viewOf(build(1)), viewOf(build(2)))).toEqual(["encap3+4"]);
    const inside = [inner4(1), inner6(1)].map((packet) => hash("layer3+4", ipViewOf(packet)));
    expect(inside).toContain(hash("encap3+4", viewOf(build(1))));
  });

  it("encap policies hash a tunnel whose inside cannot be read by its outer headers", () => {
    const encrypted = (byte: number) =>
      ethernet(0x0800, ipv4([...gre(0x2001, 0x880b, 0, 40, 0, 7), 0, 0xfd, byte, byte], { protocol: 47 }));
    expect(tellingApart(viewOf(encrypted(1)), viewOf(encrypted(2)))).toEqual([]);
    expect(hash("encap3+4", viewOf(encrypted(1)))).toBe(hash("layer3+4", viewOf(encrypted(1))));
  });

  it("uses bits that spread: neighbouring ports fill all eight corners evenly", () => {
    for (const shift of [0, 9, 29]) {
      const counts = new Uint32Array(8);
      for (let port = 0; port < 8000; port++) {
        const corner = (hash("layer3+4", flowFrame(30000 + port)) >>> shift) & 7;
        counts[corner] = (counts[corner] ?? 0) + 1;
      }
      for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    }
  });

  it("takes MikroTik's spellings", () => {
    expect(
      ["layer-2", "layer-2-and-3", "layer-3-and-4", "encap-2-and-3", "encap-3-and-4"].map(parseTransmitHashPolicy),
    ).toEqual([...TRANSMIT_HASH_POLICIES]);
    expect(TRANSMIT_HASH_POLICIES.map(parseTransmitHashPolicy)).toEqual([...TRANSMIT_HASH_POLICIES]);
    expect(parseTransmitHashPolicy("layer4")).toBeNull();
  });
});

describe("flowSlot", () => {
  it("is the same for a flow, and for all fragments between two hosts", () => {
    expect(flowSlot(flowFrame(1))).toBe(flowSlot(viewOf([...ethernet(0x0800, ipv4(udp(1, 443, [5])))])));
    const first = viewOf(ethernet(0x0800, ipv4(udp(1, 2), { fragment: 0x2000 })));
    const later = viewOf(ethernet(0x0800, ipv4([0, 0, 0, 0, 0, 0, 0, 0], { fragment: 1 })));
    expect(flowSlot(first)).toBe(flowSlot(later));
  });

  it("spreads flows over 256 slots", () => {
    const slots = new Set(Array.from({ length: 4000 }, (_, port) => flowSlot(flowFrame(port + 1))));
    expect(slots.size).toBe(256);
    expect(Math.max(...slots)).toBe(255);
  });

  it("is the same whether the Ethernet header is there or not", () => {
    const packet = ipv4(udp(5, 6));
    expect(flowSlot(ipViewOf(packet))).toBe(flowSlot(viewOf(ethernet(0x0800, packet))));
  });
});
