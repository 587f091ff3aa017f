import { describe, expect, it } from "vitest";
import type { BondSettings } from "../../src/bond/index.ts";
import { BondHarness, linksOf, quality, settingsOf } from "./harness.ts";

const NAMES = ["a", "b", "c"];
const bondWith = (changes: Partial<BondSettings>, names = NAMES) =>
  new BondHarness(settingsOf("balance-rr", changes), names);

describe("which links take part", () => {
  it("all of them when none is listed, the listed ones otherwise, none that is disabled", () => {
    expect(bondWith({}).bond.eligibleMask).toBe(0b111);
    expect(bondWith({ links: linksOf({ a: {}, c: {} }) }).bond.eligibleMask).toBe(0b101);
    expect(bondWith({ links: linksOf({ a: {}, b: { enabled: false }, c: {} }) }).bond.eligibleMask).toBe(0b101);
    expect(bondWith({}, ["constructor", "b"]).bond.eligibleMask).toBe(0b11);
  });

  it("spares come in when no primary is left", () => {
    const run = bondWith({ links: linksOf({ a: {}, b: { mode: "primary" }, c: { mode: "spare" } }) });
    expect(run.bond.eligibleMask).toBe(0b011);
    run.down(0);
    expect(run.bond.eligibleMask).toBe(0b010);
    run.down(1);
    expect(run.bond.eligibleMask).toBe(0b100);
    run.up(0);
    expect(run.bond.eligibleMask).toBe(0b001);
  });

  it("failoverTo replaces a failed primary, also one that has no member at all, and follows the chain", () => {
    const links = linksOf({
      a: { failoverTo: "b" },
      b: { failoverTo: "c" },
      c: { mode: "spare" },
      d: { mode: "spare" },
      e: { failoverTo: "d" },
    });
    const run = bondWith({ links }, ["a", "b", "c", "d"]);
    expect(run.bond.eligibleMask).toBe(0b1011);
    run.down(1);
    expect(run.bond.eligibleMask).toBe(0b1101);
    run.down(0);
    expect(run.bond.eligibleMask).toBe(0b1100);
    run.bond.setMember(4, "e");
    run.up(4);
    expect(run.bond.eligibleMask).toBe(0b10100);
  });

  it("two links that fail over to each other do no harm", () => {
    const run = bondWith({ links: linksOf({ a: { failoverTo: "b" }, b: { failoverTo: "a" } }) });
    run.down(0);
    run.down(1);
    expect(run.bond.eligibleMask).toBe(0);
  });

  it("with rules, a spare that no rule names goes unused", () => {
    const run = bondWith({ links: linksOf({ a: { failoverTo: "b" }, b: { mode: "spare" }, c: { mode: "spare" } }) });
    run.down(0);
    run.down(1);
    expect(run.bond.eligibleMask).toBe(0);
  });

  it("carries nothing below minLinks", () => {
    const run = bondWith({ minLinks: 2 });
    run.down(0);
    expect(run.bond.eligibleMask).toBe(0b110);
    run.down(1);
    expect([run.bond.eligibleMask, run.pick()]).toEqual([0, 0]);
    expect(run.log).toEqual(["eligible 111 -> 110", "eligible 110 -> 0"]);
  });

  it.each([
    [0, 0b11, 0b10],
    [4, 0b01, 0],
    [6, 0b10, 0b10],
    [46, 0b01, 0b10],
    [64, 0b10, 0b10],
  ] as const)("ipvPref %d: members of one link by IP version", (ipvPref, both, withoutIpv4) => {
    const run = bondWith({ links: linksOf({ a: { ipvPref } }) }, []);
    run.bond.setMember(0, "a", 4);
    run.bond.setMember(1, "a", 6);
    run.up(0);
    run.up(1);
    expect(run.bond.eligibleMask).toBe(both);
    run.down(0);
    expect(run.bond.eligibleMask).toBe(withoutIpv4);
  });

  it("heeds what the far end says of its links, unless our settings list links", () => {
    const told = { mode: "spare" } as const;
    const run = bondWith({}, []);
    run.bond.setMember(0, "a");
    run.bond.setMember(1, "b", 4, told);
    run.up(0);
    run.up(1);
    expect(run.bond.eligibleMask).toBe(0b01);
    const own = bondWith({ links: linksOf({ a: {}, b: {} }) }, []);
    own.bond.setMember(0, "a");
    own.bond.setMember(1, "b", 4, told);
    own.up(0);
    own.up(1);
    expect(own.bond.eligibleMask).toBe(0b11);
  });

  it("forgets all about a removed member before its number is given again", () => {
    const run = bondWith({ packetsPerLink: 1 });
    run.bond.setShare(0, 0);
    run.bond.setQuality(0, quality(900));
    run.bond.removeMember(0);
    run.bond.setMember(0, "c");
    expect(run.bond.eligibleMask).toBe(0b110);
    run.up(0);
    expect(run.members(3).sort()).toEqual([0, 1, 2]);
  });
});

describe("shareRatio", () => {
  it("tells who carried the bytes of the last seconds", () => {
    const run = bondWith({ packetsPerLink: 1, links: linksOf({ a: { speed: 3 }, b: { speed: 1 } }) });
    expect(run.bond.shareRatio(0)).toBeNaN();
    run.advance(1);
    run.members(400);
    expect(run.bond.shareRatio(0)).toBeCloseTo(0.75);
    expect(run.bond.shareRatio(2)).toBe(0);
    for (let i = 0; i < 3; i++) run.advance(run.bond.nextDeadlineMs - run.nowMs);
    expect(run.bond.shareRatio(0)).toBeNaN();
  });
});
