import { describe, expect, it } from "vitest";
import type { BondSettings } from "../../src/bond/index.ts";
import { BondHarness, linksOf, quality, settingsOf } from "./harness.ts";

const THREE = linksOf({ a: { mode: "primary" }, b: { mode: "spare" }, c: { mode: "spare" } });

/** Member a fails and comes back; then b, which took over, fails. @returns the log. */
function story(changes: Partial<BondSettings>, prepare = (_run: BondHarness): void => undefined): string[] {
  const run = new BondHarness(settingsOf("active-backup", changes), ["a", "b", "c"]);
  prepare(run);
  run.down(0);
  run.advance(1000);
  run.up(0);
  run.advance(20_000);
  run.log.push("b fails");
  run.down(1);
  return run.log.filter((line) => !line.startsWith("eligible"));
}

describe("active-backup", () => {
  it("always: the primary is taken back whenever it returns", () => {
    expect(story({ links: THREE })).toEqual(["active a -> b: failed", "active b -> a: primary-returned", "b fails"]);
  });

  it("failure: the primary is taken back when the active link fails", () => {
    const log = story({ links: THREE, linkSelectMethod: "failure" });
    expect(log).toEqual(["active a -> b: failed", "b fails", "active b -> a: failed"]);
  });

  it.each([
    [20, ["active a -> b: failed", "active b -> a: primary-returned", "b fails"]],
    [45, ["active a -> b: failed", "b fails", "active b -> a: failed"]],
  ])("better: the primary is taken back if it is better by a tenth (RTT %d against 50 ms)", (rttMs, expected) => {
    const log = story(
      { links: THREE, linkSelectMethod: "better", quality: { lat: 1, ltm: 0, pdv: 0, plr: 0, per: 0, avl: 0 } },
      (run) => {
        run.bond.setQuality(0, quality(rttMs === 45 ? 49 : rttMs));
        run.bond.setQuality(1, quality(50));
        run.bond.setQuality(2, quality(90));
      },
    );
    expect(log).toEqual(expected);
  });

  it("optimize: without guidance, a better link is taken at the next look, every 15 s", () => {
    const run = new BondHarness(settingsOf("active-backup"), ["a", "b"]);
    run.bond.setQuality(0, quality(100));
    run.bond.setQuality(1, quality(30));
    run.advance(14_000);
    expect(run.log).toEqual([]);
    run.advance(1500);
    expect(run.log).toEqual(["active a -> b: better"]);
    run.bond.setQuality(0, quality(28));
    run.advance(15_500);
    expect(run.log).toEqual(["active a -> b: better"]);
  });

  it("goes to failoverTo first, to no link without a rule, and back", () => {
    const links = linksOf({ a: { mode: "primary", failoverTo: "c" }, b: { mode: "spare" }, c: { mode: "spare" } });
    const run = new BondHarness(settingsOf("active-backup", { links }), ["a", "b", "c"]);
    run.down(0);
    expect(run.pick()).toBe(0b100);
    run.down(2);
    expect(run.pick()).toBe(0);
    run.up(0);
    expect(run.pick()).toBe(0b001);
  });

  it("primary by name wins over the order of links; without any the first is primary", () => {
    const start = (changes: Partial<BondSettings>): number => {
      const run = new BondHarness(settingsOf("active-backup", changes), ["a", "b", "c"]);
      return run.pick();
    };
    expect(start({ primary: "c" })).toBe(0b100);
    expect(start({ linkSelectMethod: "always" })).toBe(0b001);
    // The others were there before it, which is no reason to wait for one of them to fail.
    expect(start({ primary: "c", linkSelectMethod: "failure" })).toBe(0b100);
    expect(start({ primary: "c", linkSelectMethod: "better" })).toBe(0b100);
  });

  it("the best spare takes over", () => {
    const run = new BondHarness(settingsOf("active-backup", { links: THREE }), ["a", "b", "c"]);
    run.bond.setQuality(1, quality(200));
    run.bond.setQuality(2, quality(20));
    run.down(0);
    expect(run.pick()).toBe(0b100);
  });

  it("says with its numbers what it did, the removed member's name too", () => {
    const run = new BondHarness(settingsOf("active-backup", { links: THREE }), ["a", "b", "c"]);
    run.bond.removeMember(0);
    run.down(1);
    run.down(2);
    expect(run.log).toMatchInlineSnapshot(`
      [
        "active a -> b: failed",
        "eligible 111 -> 110",
        "active b -> c: failed",
        "eligible 110 -> 100",
        "active c -> -: failed",
        "eligible 100 -> 0",
      ]
    `);
  });
});

describe("none", () => {
  it("stays on the first that works for as long as it works", () => {
    const run = new BondHarness(settingsOf("none"), ["a", "b", "c"]);
    run.down(0);
    run.up(0);
    expect(run.pick()).toBe(0b010);
    run.down(1);
    expect(run.pick()).toBe(0b001);
    expect([0, 1, 2].map((index) => run.bond.isCarrying(index))).toEqual([true, false, false]);
  });
});
