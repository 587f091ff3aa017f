import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { idealMs } from "../lab/measure-start.ts";
import { linesTogether, readResults } from "../lab/merge.ts";
import { parseOptions, UsageError } from "../lab/options.ts";
import { renderReport } from "../lab/report.ts";
import type { AloneResult, LabResult, RunResult } from "../lab/result.ts";
import { SCENARIOS, type Scenario } from "../lab/scenarios.ts";
import { payloadRatio } from "../lab/stage.ts";
import { pingToReach, redundancyToReach, shareToReach } from "../lab/targets.ts";
import { rowsOf } from "../lab/values.ts";
import { meanRate, nextRate } from "../lab/wander.ts";
import { reachedAfterMs, type StreamRecord, streamKbps } from "../support/tcp-stream.ts";

const ping = { sent: 40, received: 40, p50Ms: 50.3, p95Ms: 51.2, maxMs: 60 };
const load = { scenario: "equal3", congestionControl: "cubic", direction: "down" } as const;
const loads = { start: null, oneTcp: null, eightTcp: null, udp: null };
const nothing = { error: null, mtu: null, idle: null, ...loads, cut: null, spike: null, flap: null };

function measured(policy: string, round: number, goodputKbps: number): RunResult {
  return {
    ...nothing,
    ...load,
    policy,
    round,
    mtu: 1432,
    idle: ping,
    oneTcp: {
      goodputKbps,
      limitKbps: 55_200,
      startKbps: 48_000,
      loaded: { ...ping, p95Ms: 74.4 },
      retransmissions: 3,
      redundancy: {
        firstBytes: 100_000,
        retransmittedBytes: 300,
        reinjectedFrames: 0,
        duplicatedBytes: 200,
        parityBytes: 0,
        controlBytes: 900,
        farControlBytes: 500,
      },
    },
  };
}

const alone: AloneResult[] = [
  {
    ...load,
    name: "isp1",
    downKbps: 20_000,
    upKbps: 20_000,
    delayMs: 25,
    tcp: { goodputKbps: 19_100, limitKbps: 19_300 },
    idle: { ...ping, p50Ms: 50 },
    loaded: { ...ping, p95Ms: 98.4 },
  },
];

const trouble = { line: "isp2", sent: 3000, lost: 0, longestGapMs: 31, remainingKbps: 36_800, goodputKbps: 36_000 };

const runs: RunResult[] = [
  {
    ...measured("aggregate", 1, 54_900),
    eightTcp: { goodputKbps: 54_000, limitKbps: 55_200 },
    udp: { goodputKbps: 49_600, sent: 100, lost: 0, lostRatio: 0, reordered: 0 },
    start: { durationMs: 2000, idealMs: 1700, bareMs: 1450 },
    cut: {
      ...{ line: "isp2", outMs: 340, lost: 0, longestGapMs: 31, remainingKbps: 36_800, goodputKbps: 36_000 },
      ...{ gapAfterMs: 29, recoveredMs: 110, backMs: 5800, returnedMs: null },
    },
    spike: { ...trouble, late: 3, slowestMs: 180 },
    flap: { ...trouble, goodputKbps: 30_000 },
  },
  measured("aggregate", 2, 52_300),
  measured("aggregate", 3, 55_000),
  measured("balance-rr", 1, 18_000),
  { ...nothing, ...load, policy: "broadcast", round: 1, error: "client ended with status 78" },
];

const result: LabResult = {
  complete: true,
  lines: "emulator",
  seconds: 12,
  warmUpSeconds: 3,
  rounds: 3,
  scenarios: [{ name: "equal3", description: "3 × 20/20 Mbit/s, 25 ms" }],
  alone,
  rows: rowsOf({ runs, alone }),
  runs,
};

describe("report", () => {
  it("prints medians of the rounds, unknown ones as a dash, and why a policy was not measured", () => {
    expect(renderReport(result)).toMatchInlineSnapshot(`
      "wanbond lab: equal3: 3 × 20/20 Mbit/s, 25 ms
      lines by wanbond's emulator, 12 s per figure after 3 s that do not count, medians of 3 rounds

      Each line alone (routed, without wanbond; all at once)
      scenario  line  TCP    way        Mbit/s  delay  1 TCP   share  ping idle      p50 / p95
      ────────  ────  ─────  ────  ───────────  ─────  ─────  ──────  ─────────  ─────────────
      equal3    isp1  cubic  down  20.0 / 20.0  25 ms   19.1  99.0 %      50 ms  50 ms / 98 ms

      One TCP connection (share: of the goodput limit, the sum of the lines less all headers; start: of the warm-up)
      policy      limit  1 TCP   share            range   reach   start  better line   ping idle  loaded p50 / p95  at most  sent again  copies  at most  reports      result
      ──────────  ─────  ─────  ──────  ───────────────  ──────  ──────  ───────────  ──────────  ────────────────  ───────  ──────────  ──────  ───────  ───────  ──────────
      aggregate    55.2   54.9  99.5 %  94.7 % – 99.6 %  97.0 %  87.0 %         19.1  50 / 51 ms        50 / 74 ms    70 ms       0.3 %   0.2 %    5.0 %   0.50 %  miss: ping
      balance-rr   55.2   18.0  32.6 %                        –  87.0 %         19.1  50 / 51 ms        50 / 74 ms        –       0.3 %   0.2 %        –   0.50 %            

      Eight TCP connections, and UDP at 90 % of the limit
      policy     8 TCP   share   UDP    lost  reordered
      ─────────  ─────  ──────  ────  ──────  ─────────
      aggregate   54.0  97.8 %  49.6  0.00 %          0

      10 MB from the idle bond (ideal: what TCP needs on one line with the goodput of all)
      policy        took    ideal  to ideal            range  at most  result
      ─────────  ───────  ───────  ────────  ───────────────  ───────  ──────
      aggregate  2000 ms  1700 ms    1.18 x  1.18 x – 1.18 x   1.30 x      ok

      The line that carries a call of 200 datagrams/s is cut for 5 s, beside one TCP connection
      policy     out after  lost  longest gap  TCP at 80 % of the rest  TCP meanwhile  line back  TCP at 80 % of all        result
      ─────────  ─────────  ────  ───────────  ───────────────────────  ─────────────  ─────────  ──────────────────  ────────────
      aggregate     340 ms     0        31 ms                   110 ms         97.8 %    5800 ms               never  miss: return

      The line that carries a call has an RTT of 2 s for 15 s, beside one TCP connection
      policy     lost  late  slowest  TCP, of the other lines      result
      ─────────  ────  ────  ───────  ───────────────────────  ──────────
      aggregate     0     3   180 ms                   97.8 %  miss: late

      The line that carries a call is dead every other 2 s for 16 s, beside one TCP connection
      policy     lost  longest gap  TCP, of the other lines     result
      ─────────  ────  ───────────  ───────────────────────  ─────────
      aggregate     0        31 ms                   81.5 %  miss: TCP

      equal3, broadcast: not measured in full: client ended with status 78"
    `);
  });

  it("prints tables of Markdown when asked to", () => {
    const lines = renderReport({ ...result, alone: [] }, true).split("\n");
    const at = lines.findIndex((line) => line.startsWith("One TCP connection"));
    expect(lines[at + 2]).toMatch(/^\| policy \| limit \| 1 TCP \| share \|.* result \|$/);
    expect(lines[at + 3]).toMatch(/^\| --- \| --: \|.*\|$/);
    expect(lines[at + 4]).toMatch(/^\| aggregate \| 55.2 \| 54.9 \| 99.5 % \|/);
  });

  it("shows the results of several runs together", () => {
    const folder = mkdtempSync(join(tmpdir(), "wanbond-lab-"));
    const files = runs.slice(0, 3).map((run, index) => {
      const file = join(folder, `${index}.json`);
      writeFileSync(file, JSON.stringify({ ...result, rounds: 1, runs: [run], rows: rowsOf({ runs: [run], alone }) }));
      return file;
    });
    const together = readResults(files);
    rmSync(folder, { recursive: true });
    expect(together.rounds).toBe(3);
    expect(together.scenarios).toHaveLength(1);
    expect(together.rows.map(({ values }) => values["goodputKbps"]?.median)).toEqual([54_900]);
  });

  it("says what the lines were, also where some were netem's and some our own", () => {
    const linesOf = (...each: LabResult["lines"][]) => renderReport({ ...result, lines: each.reduce(linesTogether) });
    expect(linesOf("netem")).toContain("lines by the kernel's netem, 12 s");
    expect(linesOf(null, "emulator", "emulator")).toContain("lines by wanbond's emulator, 12 s");
    expect(linesOf(null, "netem", "emulator", "netem")).toContain("netem, sets with lines that reorder by wanbond's");
  });

  it("says that it is not the whole of it after an interruption", () => {
    expect(renderReport({ ...result, complete: false, alone: [], rows: [], runs: [] })).toMatch(/Interrupted.*by then/);
  });

  it("names the scenario of a row when there are several, and what misses the figures to reach", () => {
    const slow = { ...measured("aggregate", 1, 30_000), scenario: "baseline" };
    const report = renderReport({ ...result, rows: rowsOf({ runs: [...runs, slow], alone: [] }) });
    expect(report).toMatch(/scenario +policy/);
    expect(report).toMatch(/baseline +aggregate .*miss: share, below the better line/);
  });
});

describe("rows", () => {
  it("judge the median of what has a figure to reach, and only for the policy it is meant for", () => {
    const [aggregate, roundRobin] = rowsOf({ runs, alone });
    expect(aggregate?.values["shareRatio"]).toEqual({
      median: 54_900 / 55_200,
      least: 52_300 / 55_200,
      most: 55_000 / 55_200,
      atLeast: 0.97,
      atMost: null,
      ok: true,
    });
    expect(aggregate?.values["loadedP95Ms"]).toMatchObject({ median: 74.4, atMost: 70, ok: false });
    expect(aggregate?.missed).toEqual(["loadedP95Ms", "cutReturnedMs", "spikeLate", "flapShareRatio"]);
    expect(roundRobin?.values["shareRatio"]).toMatchObject({ atLeast: null, ok: null });
  });

  it("compare with the limit of the better line where it was not measured", () => {
    const [row] = rowsOf({ runs: [measured("aggregate", 1, 19_000)], alone: [] });
    expect(row?.values["betterLineKbps"]?.median).toBeCloseTo((20_000 * 1448) / 1500);
    expect(row?.missed).toContain("toBetterLineRatio");
  });
});

describe("figures to reach", () => {
  const named = (name: string) => SCENARIOS.find((each) => each.name === name) as Scenario;

  it("are there for every scenario but those for slow machines", () => {
    const without = SCENARIOS.filter((scenario) => shareToReach(scenario) === null);
    expect(without.map(({ name }) => name)).toEqual(["slow3", "slow-mixed"]);
    expect(parseOptions(["all"])).toHaveProperty("scenarios.length", 21);
  });

  it("allow a ping 20 ms over the best line's, and twice that line's PDV", () => {
    expect(pingToReach(named("asym"), "down")).toBe(15 + 15 + 20);
    expect(pingToReach(named("dual_lte"), "down", 61)).toBe(61 + 20 + 2 * 5);
  });

  it("allow redundancy beside the loss of the lines, by their rates", () => {
    expect(redundancyToReach(named("equal3"), "down")).toBe(0.05);
    expect(redundancyToReach(named("asym"), "down")).toBeCloseTo(0.03 + (12 * 0.003) / 62);
    expect(redundancyToReach(named("asym"), "up")).toBeCloseTo(0.03 + (5 * 0.003) / 16);
  });
});

describe("an ideal line", () => {
  it("needs two round trips, its slow start, and then its own time", () => {
    // 55.2 Mbit/s and 50 ms: 345 kB are under way, so 10, 20, … 160 segments of 1380 bytes are five round trips.
    expect(idealMs(55_200, 50)).toBeCloseTo(2 * 50 + 5 * 50 + ((10_000_000 - 310 * 1380) * 8) / 55_200);
    expect(idealMs(1000, 50)).toBe(2 * 50 + 80_000);
  });
});

describe("a stream's record", () => {
  const record = {
    startedMs: 0,
    connectedMs: 0,
    arrivals: Array.from({ length: 100 }, (_, i) => [i * 10, 1250]),
  } as StreamRecord;
  const stalled = { ...record, arrivals: record.arrivals.filter(([atMs]) => atMs < 200 || atMs >= 500) };

  it("gives the goodput of a span", () => {
    expect(streamKbps(record, { fromMs: 100, toMs: 300 })).toBe(1000);
    expect(streamKbps(stalled, { fromMs: 100, toMs: 300 })).toBe(500);
  });

  it("tells how long it took to reach a goodput over a span", () => {
    const reached = (fromMs: number, toMs = 1000) => reachedAfterMs(stalled, 800, { fromMs, toMs, spanMs: 100 });
    expect(reached(0)).toBe(0);
    expect(reached(200)).toBe(280); // from 480 on there are 8 of 10 in 100 ms
    expect(reached(200, 550)).toBeNull();
  });
});

describe("options", () => {
  it("measures equal3 as a whole when nothing is said", () => {
    const options = parseOptions([]);
    expect(options).toMatchObject({
      scenarios: [{ name: "equal3" }],
      policies: ["aggregate"],
      directions: ["down"],
      congestionControls: ["cubic"],
      rounds: 1,
      seconds: 12,
      warmUpSeconds: 3,
    });
    expect(options).toHaveProperty("figures", new Set(["alone", "ping", "one-tcp", "eight-tcp", "udp", "cut"]));
  });

  it("takes lists of everything, and measures one connection in each of several scenarios", () => {
    const lists = ["--policy", "none,broadcast", "--tcp", "bbr,cubic", "--direction", "up,down", "--rounds", "3"];
    const options = parseOptions(["wild,asym", ...lists, "--json"]);
    expect(options).toMatchObject({
      scenarios: [{ name: "wild" }, { name: "asym" }],
      policies: ["none", "broadcast"],
      directions: ["down", "up"],
      congestionControls: ["cubic", "bbr"],
      rounds: 3,
      json: true,
    });
    expect(options).toHaveProperty("figures", new Set(["ping", "one-tcp"]));
  });

  it.each([
    [["nosuch"]],
    [["--seconds", "0"]],
    [["--rounds", "x"]],
    [["--tcp", "vegas"]],
    [["--policy", "balance"]],
    [["--figures", "one-tcp,two-tcp"]],
    [["--nosuch"]],
  ])("refuses %j", (parameters) => {
    expect(() => parseOptions(parameters)).toThrow(UsageError);
  });

  it("refuses an unknown scenario with the names of all", () => {
    expect(() => parseOptions(["nosuch"])).toThrow(/equal3.*article3g.*asym.*wild/s);
  });
});

describe("scenarios", () => {
  it("queue 50 ms of the rate and at least 64 kB, but one second in the article's modems", () => {
    const queues = SCENARIOS.map(({ name, lines }) => [
      name,
      lines.map(({ down, up }) => [down.queueBytes, up.queueBytes]),
    ]);
    expect(Object.fromEntries(queues)).toMatchObject({
      equal3: [
        [125_000, 125_000],
        [125_000, 125_000],
        [125_000, 125_000],
      ],
      wild: [
        [625_000, 125_000],
        [65_536, 65_536],
      ],
      article3g: [[1_000_000, 62_500], [], [], [], [], []].map(() => [1_000_000, 62_500]),
    });
  });
});

describe("goodput limit", () => {
  it("is the TCP payload of a full packet over its outer packet", () => {
    expect(payloadRatio(1432)).toBeCloseTo(1380 / 1500);
    expect(payloadRatio(null)).toBeCloseTo(1448 / 1500);
  });

  it("takes the mean of a wandering rate, weighted by time", () => {
    const steps = [
      { sinceMs: 0, rateKbps: 8000 },
      { sinceMs: 1000, rateKbps: 2000 },
      { sinceMs: 4000, rateKbps: 4000 },
    ];
    expect(meanRate(steps, { fromMs: 0, toMs: 5000 })).toBe((8000 + 3 * 2000 + 4000) / 5);
    expect(meanRate(steps, { fromMs: 1500, toMs: 2500 })).toBe(2000);
    expect(meanRate(steps, { fromMs: 500, toMs: 1500 })).toBe(5000);
  });

  it("keeps a wandering rate within its limits", () => {
    const limits = { fromKbps: 2000, toKbps: 8000 };
    expect(nextRate(7900, limits, 0.99)).toBe(8000);
    expect(nextRate(2100, limits, 0)).toBe(2000);
    expect(nextRate(4000, limits, 0.5)).toBe(4000);
  });
});
