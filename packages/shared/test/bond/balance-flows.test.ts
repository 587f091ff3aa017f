import { describe, expect, it } from "vitest";
import { BondHarness, linksOf, quality, settingsOf, tally } from "./harness.ts";

const NAMES = ["a", "b", "c"];

describe("balance-xor", () => {
  it("puts few flows on all links: eight on three never leave one idle", () => {
    for (let set = 0; set < 200; set++) {
      const run = new BondHarness(settingsOf("balance-xor"), NAMES);
      const members = Array.from({ length: 8 }, (_, flow) => 31 - Math.clz32(run.pick(40_000 + set * 8 + flow)));
      expect(Math.min(...tally(members, 3))).toBeGreaterThanOrEqual(1);
    }
  });

  it("brings flows back to a member that returned only as far as balance needs, step by step with its ramp", () => {
    const run = new BondHarness(settingsOf("balance-xor"), NAMES);
    run.members(300);
    run.down(2);
    run.advance(300);
    const before = run.members(300);
    run.bond.setShare(2, 0.2);
    run.up(2);
    const counts: number[] = [];
    for (const share of [0.2, 0.6, 1]) {
      run.bond.setShare(2, share);
      run.advance(300);
      run.members(300);
      counts.push(tally(run.members(300), 3)[2] ?? 0);
    }
    const after = run.members(300);
    const moved = before.filter((member, flow) => member !== after[flow]).length;
    expect(moved).toBe(counts[2]);
    expect(counts[0]).toBeLessThan(35);
    expect(counts[1]).toBeGreaterThan(counts[0] ?? 0);
    expect(Math.abs((counts[2] ?? 0) - 100)).toBeLessThan(10);
  });

  it("holds a returning member to its ramp, also when the other one had been alone", () => {
    const run = new BondHarness(settingsOf("balance-xor"), ["a", "b"]);
    run.members(200);
    run.down(1);
    run.advance(300);
    run.members(200);
    run.bond.setShare(1, 0.1);
    run.up(1);
    expect(tally(run.members(200), 2)).toEqual([200, 0]);
    run.advance(300);
    run.members(200);
    expect(tally(run.members(200), 2)[1]).toBeLessThan(25);
  });

  it("leaves a flow on its member over half a minute of silence", () => {
    const run = new BondHarness(settingsOf("balance-xor"), NAMES);
    const before = run.pick(5);
    run.advance(30_000);
    for (let port = 100; port < 140; port++) run.pick(port);
    expect(run.pick(5)).toBe(before);
  });

  it("does not place new flows by those that ended", () => {
    const run = new BondHarness(settingsOf("balance-xor"), ["a", "b"]);
    const first = run.members(100);
    run.advance(3000);
    const onlyA = first.flatMap((member, flow) => (member === 0 ? [1000 + flow] : []));
    for (const port of onlyA) run.pick(port);
    run.advance(300);
    for (const port of onlyA) run.pick(port);
    const fresh = Array.from({ length: 40 }, (_, flow) => 31 - Math.clz32(run.pick(60_000 - flow)));
    expect(tally(fresh, 2)[1]).toBeGreaterThan(35);
  });
});

describe("balance-aware", () => {
  it("gives new flows to the better link", () => {
    const run = new BondHarness(settingsOf("balance-aware", { balancePolicy: "flow-static" }), ["a", "b"]);
    run.bond.setQuality(0, quality(20));
    run.bond.setQuality(1, quality(400, { plrRatio: 0.05, pdvMs: 60 }));
    const [good = 0, poor = 0] = tally(run.members(1000), 2);
    expect(good).toBeGreaterThan(poor * 3);
    expect(poor).toBeGreaterThan(50);
  });

  it("allocates by alloc alone, whatever is measured", () => {
    const links = linksOf({ a: { alloc: 1 }, b: { alloc: 3 } });
    const run = new BondHarness(settingsOf("balance-aware", { links, balancePolicy: "packet" }), ["a", "b"]);
    run.bond.setQuality(0, quality(20));
    run.bond.setQuality(1, quality(400));
    expect(tally(run.members(400), 2)).toEqual([100, 300]);
  });

  /** Ten flows, of which those on member 0 become heavy. @returns bytes per member of each two seconds. */
  function heavyOnOne(balancePolicy: "flow-dynamic" | "flow-static"): number[][] {
    const run = new BondHarness(settingsOf("balance-aware", { balancePolicy }), ["a", "b"]);
    const first = run.members(10);
    return Array.from({ length: 10 }, () => {
      const bytes = [0, 0];
      for (let tick = 0; tick < 20; tick++) {
        run.advance(100);
        for (let flow = 0; flow < 10; flow++) {
          const sizeBytes = first[flow] === 0 ? 1400 : 100;
          const member = 31 - Math.clz32(run.pick(1000 + flow, sizeBytes));
          bytes[member] = (bytes[member] ?? 0) + sizeBytes;
        }
      }
      return bytes;
    });
  }

  it("flow-dynamic moves flows until the bytes are level, flow-static leaves them", () => {
    const ratio = (rounds: number[][]): number => {
      const [a = 0, b = 0] = rounds.at(-1) ?? [];
      return Math.max(a, b) / Math.min(a, b);
    };
    expect(ratio(heavyOnOne("flow-dynamic"))).toBeLessThan(1.6);
    expect(ratio(heavyOnOne("flow-static"))).toBeGreaterThan(10);
  });

  it("flow-static does not bring flows back", () => {
    const run = new BondHarness(settingsOf("balance-aware", { balancePolicy: "flow-static" }), ["a", "b"]);
    run.down(1);
    run.members(100);
    run.up(1);
    run.advance(300);
    run.members(100);
    expect(tally(run.members(100), 2)).toEqual([100, 0]);
  });
});
