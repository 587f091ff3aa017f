import { describe, expect, it } from "vitest";
import { FallbackRule } from "../../src/fallback/fallback-rule.ts";

const TICK_MS = 250;
const CONFIG = { direct: true, afterMs: 10_000, returnAfterMs: 10_000, checks: true };
const DSL = { name: "dsl", metered: false };
const CABLE = { name: "cable", metered: false };
const LTE = { name: "lte", metered: true };

/** What each uplink answers, by name; null: nothing. */
type Answers = Readonly<Record<string, number | null>>;

function setUp(config: Partial<typeof CONFIG> = {}, uplinks = [DSL, CABLE, LTE]) {
  let nowMs = 0;
  const rule = new FallbackRule({ ...CONFIG, ...config }, nowMs);
  rule.onUplinks(uplinks);
  const log: string[] = [];
  const asked = new Map<string, number>();
  /** Checks are answered once a second. */
  const run = (ms: number, answers: Answers = {}) => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += TICK_MS;
      for (const name of nowMs % 1_000 === 0 ? rule.toCheck : []) {
        asked.set(name, (asked.get(name) ?? 0) + 1);
        rule.onCheck(name, answers[name] ?? null, nowMs);
      }
      const decision = rule.onTick(nowMs);
      if (decision === null) continue;
      const from = decision.type === "moved" ? ` from ${decision.from}, ${decision.reason}` : "";
      log.push(`${nowMs}: ${decision.type} ${decision.uplink}${from}`);
    }
  };
  const reach = (reachable: boolean) => rule.onReachable(reachable, nowMs);
  return { rule, run, reach, log, asked };
}

const ALL = { dsl: 30, cable: 15, lte: 40 };

describe("the direct fallback", () => {
  it("begins after afterMs without a concentrator, on the uplink that answers soonest", () => {
    const { run, log, rule } = setUp();
    run(20_000, ALL);
    expect(log).toEqual(["10000: started cable"]);
    expect(rule.numbersOf("cable")).toEqual({ answers: true, rttMs: 15, plrRatio: 0 });
  });

  it("counts from the last moment that a concentrator was reachable", () => {
    const { run, reach, log } = setUp();
    run(9_000, ALL);
    reach(true);
    run(5_000, ALL);
    reach(false);
    run(9_750, ALL);
    expect(log).toEqual([]);
    run(250, ALL);
    expect(log).toEqual(["24000: started cable"]);
  });

  it("takes an uplink that costs by volume only where no other answers", () => {
    const { run, log, asked } = setUp();
    run(12_000, { lte: 20, dsl: 200 });
    expect(log).toEqual(["10000: started dsl"]);
    expect(asked.get("lte")).toBeUndefined();

    const other = setUp();
    other.run(12_000, { lte: 20 });
    expect(other.log).toEqual(["11750: started lte"]);
  });

  it("prefers an uplink that is slower to one that loses", () => {
    const { run, log } = setUp();
    for (let i = 0; i < 10; i++) run(1_000, { dsl: 90, cable: i % 2 === 0 ? 15 : null });
    expect(log).toEqual(["10000: started dsl"]);
  });

  it("gives the concentrator its time again once lines that were down answer", () => {
    const { run, log } = setUp();
    run(30_000);
    run(9_500, ALL);
    expect(log).toEqual([]);
    run(2_000, ALL);
    expect(log).toEqual(["40750: started cable"]);
  });

  it("waits ten times as long while no uplink answers: the lines themselves may be down", () => {
    const { run, log } = setUp();
    run(99_000);
    expect(log).toEqual([]);
    run(2_000);
    expect(log).toEqual(["100000: started dsl"]);
  });

  it("goes without checks by the order of the file", () => {
    const { run, log, asked } = setUp({ checks: false });
    run(20_000, ALL);
    expect(log).toEqual(["10000: started dsl"]);
    expect(asked.size).toBe(0);
  });

  it("stays where it is until that uplink is dead, though another is faster", () => {
    const { run, log } = setUp();
    run(10_000, { dsl: 30 });
    run(30_000, ALL);
    run(2_000, { cable: 15 });
    expect(log).toEqual(["10000: started dsl"]);
    run(2_000, { cable: 15 });
    expect(log.at(-1)).toMatch(/moved cable from dsl, dead/);
  });

  it("moves at once when its uplink is gone", () => {
    const { rule, run, log } = setUp();
    run(12_000, ALL);
    rule.onUplinks([DSL, LTE]);
    run(250, ALL);
    expect(log).toEqual(["10000: started cable", "12250: moved dsl from cable, gone"]);
  });

  it("does not flee from one dead uplink to another", () => {
    const { run, log } = setUp({}, [DSL, CABLE]);
    run(12_000, { dsl: 30 });
    run(60_000, {});
    expect(log).toEqual(["10000: started dsl"]);
  });

  it("leaves a metered uplink when another has been steady for 30 s", () => {
    const { run, log } = setUp();
    run(12_000, { lte: 20 });
    run(29_000, { lte: 20, dsl: 50 });
    expect(log).toHaveLength(1);
    run(3_000, { lte: 20, dsl: 50 });
    expect(log[1]).toMatch(/moved dsl from lte, metered/);
  });

  it("ends when a bond has been up for returnAfterMs without a break", () => {
    const { run, reach, log, rule } = setUp();
    run(12_000, ALL);
    reach(true);
    run(8_000, ALL);
    reach(false);
    run(1_000, ALL);
    reach(true);
    run(9_750, ALL);
    expect(log).toHaveLength(1);
    run(250, ALL);
    expect(log.at(-1)).toBe("31000: ended cable");
    expect([rule.direct, rule.toCheck]).toEqual([null, []]);
  });

  it("asks nobody while a bond is up, and never where it is switched off", () => {
    const up = setUp();
    up.reach(true);
    up.run(60_000, ALL);
    const off = setUp({ direct: false });
    off.run(200_000, ALL);
    expect([up.asked.size, off.asked.size, off.log]).toEqual([0, 0, []]);
  });
});
