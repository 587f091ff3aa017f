import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BondSettings, STANDARD_POLICIES } from "../../src/bond/index.ts";
import { BondHarness, linksOf, quality, settingsOf, tally } from "./harness.ts";

const NAMES = ["a", "b", "c", "d"];

interface Kind {
  readonly name: string;
  readonly settings: BondSettings;
  /** Which guarantees beyond those of all policies it gives. */
  readonly keepsFlows: boolean;
  readonly shares: boolean;
}

const kind = (name: string, settings: BondSettings, keepsFlows: boolean, shares: boolean): Kind => ({
  name,
  settings,
  keepsFlows,
  shares,
});

const KINDS: readonly Kind[] = [
  kind("none", settingsOf("none"), false, false),
  kind("active-backup", settingsOf("active-backup"), false, false),
  kind("broadcast", settingsOf("broadcast"), false, false),
  kind("balance-rr", settingsOf("balance-rr"), false, true),
  kind("balance-rr at random", settingsOf("balance-rr", { packetsPerLink: 0 }), false, true),
  kind("balance-xor", settingsOf("balance-xor"), true, true),
  kind("balance-xor encap", settingsOf("balance-xor", { transmitHashPolicy: "encap3+4" }), true, true),
  kind("balance-aware flow-dynamic", settingsOf("balance-aware"), true, true),
  kind("balance-aware flow-static", settingsOf("balance-aware", { balancePolicy: "flow-static" }), true, true),
  kind("aggregate", settingsOf("aggregate"), false, true),
  kind("balance-aware packet", settingsOf("balance-aware", { balancePolicy: "packet" }), false, true),
];

it("covers every policy", () => {
  expect(new Set(KINDS.map(({ settings }) => settings.basePolicy))).toEqual(new Set(STANDARD_POLICIES));
});

describe.each(KINDS)("$name", ({ settings, keepsFlows, shares }) => {
  it("picks among the eligible members, and never none of them, through any history", () => {
    const step = fc.record({
      member: fc.nat(3),
      what: fc.constantFrom("up", "down", "remove", "add", "ramp", "quality"),
      ms: fc.nat(3000),
      value: fc.nat(10),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const run = new BondHarness(settings, NAMES);
        for (const { member, what, ms, value } of steps) {
          run.advance(ms);
          if (what === "up") run.up(member);
          else if (what === "down") run.down(member);
          else if (what === "remove") run.bond.removeMember(member);
          else if (what === "add") run.bond.setMember(member, NAMES[member] ?? "");
          else if (what === "ramp") run.bond.setShare(member, value / 10);
          else run.bond.setQuality(member, quality(value * 30));
          for (const port of [1, 2, 3]) {
            const picked = run.pick(port);
            const eligible = run.bond.eligibleMask;
            expect(picked & ~eligible).toBe(0);
            expect(picked !== 0).toBe(eligible !== 0);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("does the same again with the same seed", () => {
    const run = (): number[] => {
      const harness = new BondHarness(settings, NAMES, 7);
      return Array.from({ length: 200 }, (_, i) => {
        if (i === 50) harness.down(1);
        if (i === 100) harness.up(1);
        harness.advance(20);
        return harness.pick(i % 17);
      });
    };
    expect(run()).toEqual(run());
  });

  it("gives nothing to a member that was removed, and nothing at all when all are down", () => {
    const run = new BondHarness(settings, NAMES);
    run.bond.removeMember(0);
    for (let port = 0; port < 100; port++) expect(run.pick(port) & 1).toBe(0);
    for (const index of [1, 2, 3]) run.down(index);
    expect(run.pick()).toBe(0);
    expect(run.bond.eligibleMask).toBe(0);
  });

  it("gives everything to the only member", () => {
    const run = new BondHarness(settings, NAMES);
    for (const index of [0, 1, 3]) run.down(index);
    const { resequences } = run.bond;
    for (let port = 0; port < 50; port++) expect(run.pick(port)).toBe(0b100);
    expect(run.bond.resequences).toBe(resequences);
  });

  it.runIf(shares)("leaves a member whose readmission has not begun alone", () => {
    const run = new BondHarness(settings, NAMES);
    run.bond.setShare(2, 0);
    expect(tally(run.members(400), 4)[2]).toBe(0);
  });

  it.runIf(shares)("shares traffic out equally, and by speed and alloc where they are given", () => {
    for (const [links, expected] of [
      [{}, [0.25, 0.25, 0.25, 0.25]],
      [
        linksOf({ a: { speed: 1000 }, b: { speed: 100 }, c: { speed: 500 }, d: { speed: 400 } }),
        [0.5, 0.05, 0.25, 0.2],
      ],
      [linksOf({ a: { alloc: 0.5 }, b: { alloc: 0.25 }, c: { alloc: 0.25 }, d: { alloc: 0 } }), [0.5, 0.25, 0.25, 0]],
    ] as const) {
      const run = new BondHarness({ ...settings, links }, NAMES);
      const counts = tally(run.members(2000), 4);
      for (const [member, share] of expected.entries())
        expect(Math.abs((counts[member] ?? 0) / 2000 - share)).toBeLessThan(0.05);
      if (expected[3] === 0) expect(counts[3]).toBe(0);
    }
  });

  it.runIf(keepsFlows)("keeps every flow on its member for as long as it lives", () => {
    const run = new BondHarness(settings, NAMES);
    const before = run.members(300);
    for (let second = 0; second < 100; second++) {
      run.advance(100);
      expect(run.members(300)).toEqual(before);
    }
  });

  it.runIf(keepsFlows)("moves the flows of a member that leaves, and no others, evenly", () => {
    const run = new BondHarness(settings, NAMES);
    const before = run.members(300);
    run.down(2);
    run.advance(10);
    const after = run.members(300);
    for (const [flow, member] of before.entries()) if (member !== 2) expect(after[flow]).toBe(member);
    expect(after).not.toContain(2);
    for (const member of [0, 1, 3]) expect(Math.abs((tally(after, 4)[member] ?? 0) - 100)).toBeLessThan(15);
  });
});
