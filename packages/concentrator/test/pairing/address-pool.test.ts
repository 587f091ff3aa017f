import { type Prefix, parsePrefix } from "@wanbond/shared/config";
import { describe, expect, it } from "vitest";
import { freeAddresses, freeCount } from "../../src/pairing/address-pool.ts";

const prefixes = (...texts: string[]): Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);

describe("the addresses of a tunnel", () => {
  it.each([
    ["the lowest that is free", ["10.200.0.1/24"], ["10.200.0.2/32", "10.200.0.4/32"], ["10.200.0.3/32"]],
    ["below the concentrator's own", ["10.200.0.9/24"], [], ["10.200.0.1/32"]],
    [
      "one in each network",
      ["10.200.0.1/24", "fd00:200::1/64"],
      ["10.200.0.2/32"],
      ["10.200.0.3/32", "fd00:200::2/128"],
    ],
    ["over the edge of a byte", ["10.200.0.1/16"], hosts(2, 255), ["10.200.1.0/32"]],
    ["within the last bits", ["10.200.0.249/29"], ["10.200.0.250/32"], ["10.200.0.251/32"]],
    ["none in a network that is full", ["10.200.0.1/30"], ["10.200.0.2/32"], null],
    ["none for one when another is full", ["10.200.0.1/24", "fd00::1/127"], ["fd00::0/128"], null],
    ["nothing without networks", [], [], []],
  ])("gives %s", (_what, networks, taken, expected) => {
    expect(freeAddresses(prefixes(...networks), prefixes(...taken))).toEqual(expected);
  });

  it("counts no further than it is asked", () => {
    expect(freeCount(prefixes("10.200.0.1/29"), [], 100)).toBe(5);
    expect(freeCount(prefixes("10.200.0.1/8"), prefixes("10.0.0.1/32"), 3)).toBe(3);
  });
});

function hosts(from: number, to: number): string[] {
  return ["10.200.0.1/32", ...Array.from({ length: to - from + 1 }, (_, index) => `10.200.0.${from + index}/32`)];
}
