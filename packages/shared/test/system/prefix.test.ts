import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalAddress, contains, networkOf, parsePrefix } from "../../src/system/index.ts";
import { routeDestination } from "../../src/system/prefix.ts";

describe("routeDestination writes a network as the kernel prints it", () => {
  it.each([
    ["192.168.50.0/24", "192.168.50.0/24"],
    ["192.168.50.7/24", "192.168.50.0/24"],
    ["172.31.255.255/12", "172.16.0.0/12"],
    ["10.0.0.2/32", "10.0.0.2"],
    ["10.0.0.2", "10.0.0.2"],
    ["0.0.0.0/0", "default"],
    ["::/0", "default"],
    ["default", "default"],
    ["2001:DB8:0:0:1::5/64", "2001:db8::/64"],
    ["2001:db8:ffff::/33", "2001:db8:8000::/33"],
    ["fd00::1/128", "fd00::1"],
  ])("%s is %s", (text, expected) => {
    expect(routeDestination(text)).toBe(expected);
  });
});

describe("prefixes", () => {
  it.each(["10.0.0.0/33", "10.0.0/8", "fd00::/129", "nonsense", "10.0.0.1/x"])("%s is refused", (text) => {
    expect(() => parsePrefix(text)).toThrow(RangeError);
  });

  it("contain their own addresses, and every address lies in its network, whatever the length", () => {
    const address = fc.oneof(
      fc.ipV4().map((text) => ({ text, widest: 32 })),
      fc.ipV6().map((text) => ({ text, widest: 128 })),
    );
    fc.assert(
      fc.property(address, fc.nat(), ({ text, widest }, random) => {
        const length = random % (widest + 1);
        const network = networkOf(parsePrefix(`${text}/${length}`));
        expect(contains(network, text)).toBe(true);
        expect(networkOf(parsePrefix(network))).toBe(network);
        expect(networkOf(parsePrefix(text))).toBe(`${canonicalAddress(text)}/${widest}`);
      }),
    );
  });

  it("of one family contain nothing of the other", () => {
    expect(contains("0.0.0.0/0", "::1")).toBe(false);
    expect(contains("10.0.0.0/8", "11.0.0.1")).toBe(false);
  });
});
