import { describe, expect, it } from "vitest";
import { BondHarness, linksOf, settingsOf, tally } from "./harness.ts";

describe("balance-rr", () => {
  it("sends runs of packetsPerLink in turn", () => {
    const run = new BondHarness(settingsOf("balance-rr", { packetsPerLink: 3 }), ["a", "b", "c"]);
    expect(run.members(12)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0]);
  });

  it("mixes weighted turns smoothly", () => {
    const links = linksOf({ a: { speed: 50 }, b: { speed: 10 }, c: { speed: 10 } });
    const run = new BondHarness(settingsOf("balance-rr", { packetsPerLink: 1, links }), ["a", "b", "c"]);
    expect(run.members(7)).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it("goes on at once when the member of a run leaves", () => {
    const run = new BondHarness(settingsOf("balance-rr", { packetsPerLink: 100 }), ["a", "b", "c"]);
    run.members(5);
    run.down(0);
    expect(run.members(3)).toEqual([1, 1, 1]);
  });

  it("gives a member under readmission its part of the full weight", () => {
    const run = new BondHarness(settingsOf("balance-rr", { packetsPerLink: 1 }), ["a", "b"]);
    run.bond.setShare(1, 0.25);
    expect(tally(run.members(1000), 2)).toEqual([800, 200]);
  });

  it("is resequenced unless that is switched off, broadcast only while duplicates are removed", () => {
    const resequences = (changes: object) =>
      new BondHarness(settingsOf("balance-rr", changes), ["a", "b"]).bond.resequences;
    expect([resequences({}), resequences({ resequencing: "off" })]).toEqual([true, false]);
    const broadcast = (dedup: boolean) => new BondHarness(settingsOf("broadcast", { dedup }), ["a", "b"]).bond;
    expect([broadcast(true).resequences, broadcast(false).resequences]).toEqual([true, false]);
    expect([broadcast(true).dedups, broadcast(false).dedups]).toEqual([true, false]);
    expect(new BondHarness(settingsOf("balance-xor"), ["a", "b"]).bond.resequences).toBe(false);
    expect(new BondHarness(settingsOf("balance-xor", { resequencing: "on" }), ["a", "b"]).bond.resequences).toBe(true);
  });
});
