import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ENDPOINT_FAMILY,
  ENDPOINT_PORT,
  ENDPOINT_WORDS,
  formatEndpoint,
  parseEndpoint,
  sameEndpoint,
} from "../../src/wire/index.ts";

function addressOf(record: Int32Array | null): string {
  return Buffer.from(record?.buffer ?? new ArrayBuffer(0), 16, 16).toString("hex");
}

describe("endpoints", () => {
  it("lie in memory as sockets have them", () => {
    const ipv4 = parseEndpoint("203.0.113.10:51900");
    expect([ipv4?.[ENDPOINT_FAMILY], ipv4?.[ENDPOINT_PORT]]).toEqual([4, 51900]);
    expect(addressOf(ipv4)).toBe("cb00710a".padEnd(32, "0"));
    const ipv6 = parseEndpoint("[2001:db8::1]:51900");
    expect(ipv6?.[ENDPOINT_FAMILY]).toBe(6);
    expect(addressOf(ipv6)).toBe("20010db8000000000000000000000001");
  });

  it.each([
    ["0.0.0.0:1", "0.0.0.0:1"],
    ["[::]:65535", "[::]:65535"],
    ["[::1]:80", "[::1]:80"],
    ["[2001:DB8:0:0:1:0:0:1]:80", "[2001:db8::1:0:0:1]:80"],
    ["[2001:db8:0:1:1:1:1:1]:80", "[2001:db8:0:1:1:1:1:1]:80"],
    ["[fe80:0:0:0:1::]:80", "[fe80::1:0:0:0]:80"],
    ["[::ffff:192.0.2.1]:80", "[::ffff:c000:201]:80"],
    ["[1:2:3:4:5:6:7::]:80", "[1:2:3:4:5:6:7:0]:80"],
  ])("reads %s and writes %s", (text, canonical) => {
    const record = parseEndpoint(text);
    expect(record && formatEndpoint(record)).toBe(canonical);
  });

  it.each([
    "",
    "203.0.113.10",
    "203.0.113.10:0",
    "203.0.113.10:65536",
    "203.0.113.256:1",
    "203.0.113:1",
    "203.0.113.010:1",
    "example.org:1",
    "2001:db8::1:51900",
    "[203.0.113.10]:1",
    "[2001:db8::1]",
    "[2001:db8::1%eth0]:1",
    "[1::2::3]:1",
    "[1:2:3:4:5:6:7]:1",
    "[1:2:3:4:5:6:7:8:9]:1",
    "[1:2:3:4:5:6:7:8::]:1",
    "[192.0.2.1::]:1",
    "[::12345]:1",
    "[:1:2:3:4:5:6:7]:1",
    "[:::]:1",
  ])("refuses %j", (text) => {
    expect(parseEndpoint(text)).toBeNull();
  });

  it("writes any address so that it reads the same", () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 65535 }), (words, port) => {
        const first = parseEndpoint(`[${words.map((word) => word.toString(16)).join(":")}]:${port}`);
        const again = parseEndpoint(formatEndpoint(first ?? new Int32Array(ENDPOINT_WORDS)));
        expect(again).toEqual(first);
        expect(first).not.toBeNull();
      }),
    );
  });

  it("are the same only in every word", () => {
    const records = new Int32Array(2 * ENDPOINT_WORDS);
    records.set(parseEndpoint("192.0.2.1:5") ?? [], ENDPOINT_WORDS);
    const other = parseEndpoint("192.0.2.1:5") ?? new Int32Array(0);
    expect(formatEndpoint(records, 1)).toBe("192.0.2.1:5");
    expect(sameEndpoint(records, 1, other, 0)).toBe(true);
    for (let word = 0; word < ENDPOINT_WORDS; word++) {
      const changed = other.slice();
      changed[word] = (changed[word] ?? 0) ^ 0x8000;
      expect(sameEndpoint(records, 1, changed, 0)).toBe(false);
    }
  });
});
