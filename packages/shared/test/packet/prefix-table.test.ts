import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIpAddress, NO_PREFIX, PrefixTable, parseIpAddress, parseIpPrefix } from "../../src/packet/index.ts";
import { ipViewOf, ipv4, ipv6, udp } from "./frames.ts";

function find(table: PrefixTable, text: string): number {
  const bytes = parseIpAddress(text) ?? new Uint8Array(0);
  return bytes.length === 4 ? table.findIpv4(bytes, 0) : table.findIpv6(bytes, 0);
}

describe("PrefixTable", () => {
  it("finds the longest prefix, IPv4 and IPv6 apart", () => {
    const table = new PrefixTable();
    table.add("10.200.0.0/24", 1);
    table.add("10.200.0.2/32", 2);
    table.add("0.0.0.0/0", 3);
    table.add("2001:db8::/64", 4);
    table.add("2001:db8::2", 5);
    const found = ["10.200.0.2", "10.200.0.3", "10.200.1.2", "2001:db8::2", "2001:db8::3", "2001:db9::"].map((text) =>
      find(table, text),
    );
    expect(found).toEqual([2, 1, 3, 5, 4, NO_PREFIX]);
  });

  it("reads a packet's addresses where they lie", () => {
    const table = new PrefixTable();
    table.add("10.0.0.1/32", 7);
    table.add("2001:db8::2/128", 8);
    const four = ipViewOf(ipv4(udp(1, 2)));
    const six = ipViewOf(ipv6(udp(1, 2)));
    expect([table.findSource(four), table.findDestination(four)]).toEqual([7, NO_PREFIX]);
    expect([table.findSource(six), table.findDestination(six)]).toEqual([NO_PREFIX, 8]);
    expect(table.findSource(ipViewOf([1, 2, 3]))).toBe(NO_PREFIX);
  });

  it("ignores bits behind the prefix and takes the newest of two equal ones", () => {
    const table = new PrefixTable();
    table.add("192.168.50.1/24", 1);
    table.add("192.168.50.77/24", 2);
    expect(find(table, "192.168.50.200")).toBe(2);
    expect(() => table.add("192.168.50.0/33", 1)).toThrow("192.168.50.0/33");
  });

  it("agrees with a search through all prefixes", () => {
    const word = fc.integer({ min: -0x80000000, max: 0x7fffffff });
    const prefix = fc.record({ word, bits: fc.nat(32) });
    const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
    const covers = (a: number, b: number, bits: number) => bits === 0 || (a ^ b) >>> (32 - bits) === 0;
    fc.assert(
      fc.property(fc.array(prefix, { minLength: 1, maxLength: 200 }), fc.nat(), fc.nat(31), (prefixes, which, flip) => {
        const table = new PrefixTable();
        for (const [id, { word: value, bits }] of prefixes.entries()) table.add(`${text(value)}/${bits}`, id);
        const address = (prefixes[which % prefixes.length]?.word ?? 0) ^ (1 << flip);
        let best = NO_PREFIX;
        let bestBits = -1;
        prefixes.forEach(({ word: value, bits }, id) => {
          if (covers(value, address, bits) && bits >= bestBits) [best, bestBits] = [id, bits];
        });
        expect(find(table, text(address))).toBe(best);
      }),
    );
  });
});

describe("IP addresses as text", () => {
  it.each([
    ["192.168.0.255", "192.168.0.255"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ])("%s", (text, expected) => {
    const bytes = parseIpAddress(text) ?? new Uint8Array(0);
    expect(formatIpAddress(bytes, 0, bytes.length === 4 ? 4 : 6)).toBe(expected);
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7",
    "g::",
    "12345::",
    "1.2.3.4::",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7::8",
  ])("refuses %j", (text) => expect(parseIpAddress(text)).toBeNull());

  it.each(["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "x/8"])(
    "refuses the prefix %j",
    (text) => {
      expect(parseIpPrefix(text)).toBeNull();
    },
  );
});
