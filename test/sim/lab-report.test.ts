import { describe, expect, it } from "vitest";
import { parseOptions, UsageError } from "../lab/options.ts";
import { renderReport } from "../lab/report.ts";
import type { LabResult } from "../lab/result.ts";
import { SCENARIOS } from "../lab/scenarios.ts";
import { payloadRatio } from "../lab/stage.ts";
import { meanRate, nextRate } from "../lab/wander.ts";

const ping = { sent: 40, received: 40, p50Ms: 50.3, p95Ms: 51.2, maxMs: 60 };

const result: LabResult = {
  scenario: "equal3",
  description: "3 × 20/20 Mbit/s, 25 ms",
  lines: "emulator",
  direction: "down",
  congestionControl: "cubic",
  seconds: 8,
  alone: [
    {
      name: "isp1",
      downKbps: 20_000,
      upKbps: 20_000,
      delayMs: 25,
      tcp: { goodputKbps: 19_100, shareRatio: 0.99 },
      idle: ping,
      loaded: { ...ping, p95Ms: 98.4 },
    },
  ],
  bonds: [
    {
      policy: "balance-rr",
      error: null,
      mtu: 1432,
      oneTcp: { goodputKbps: 52_300, shareRatio: 0.947 },
      eightTcp: { goodputKbps: 54_000, shareRatio: 0.978 },
      udp: { goodputKbps: 49_600, sent: 100, lost: 0, lostRatio: 0, reordered: 0 },
      idle: ping,
      loaded: ping,
      cut: { line: "isp2", outMs: 340, lost: 12, longestGapMs: 61, goodputKbps: 36_000, backMs: 5800 },
    },
    {
      policy: "broadcast",
      error: "client ended with status 78",
      mtu: null,
      oneTcp: null,
      eightTcp: null,
      udp: null,
      idle: null,
      loaded: null,
      cut: null,
    },
  ],
};

describe("report", () => {
  it("prints figures, unknown ones as a dash, and why a policy was not measured", () => {
    expect(renderReport(result)).toMatchInlineSnapshot(`
      "wanbond lab: equal3: 3 × 20/20 Mbit/s, 25 ms
      lines by wanbond's emulator, download, TCP cubic, 8 s per figure

      Each line alone (routed, without wanbond)
      line       Mbit/s  delay  1 TCP  share  ping idle  loaded p50 / p95
      ────  ───────────  ─────  ─────  ─────  ─────────  ────────────────
      isp1  20.0 / 20.0  25 ms   19.1   99 %      50 ms     50 ms / 98 ms

      The bond, one row per policy (share: of the goodput limit, the sum of the lines less all headers)
      policy      1 TCP  share  8 TCP  share  UDP 90 %    lost  reordered  ping idle  loaded p50 / p95
      ──────────  ─────  ─────  ─────  ─────  ────────  ──────  ─────────  ─────────  ────────────────
      balance-rr   52.3   95 %   54.0   98 %      49.6  0.00 %          0      50 ms     50 ms / 51 ms
      broadcast       –      –      –      –         –       –          –          –                 –

      The line that carries a call of 200 datagrams/s is cut, beside 8 TCP connections
      policy      line  out after  lost  longest gap  TCP meanwhile  back after
      ──────────  ────  ─────────  ────  ───────────  ─────────────  ──────────
      balance-rr  isp2     340 ms    12        61 ms           36.0     5800 ms

      broadcast was not measured in full: client ended with status 78"
    `);
  });
});

describe("options", () => {
  it("measures equal3 when nothing is said", () => {
    expect(parseOptions([])).toMatchObject({ scenario: { name: "equal3" }, direction: "down", seconds: 8 });
  });

  it("takes a scenario by name and a list of policies", () => {
    const options = parseOptions(["wild", "--policy", "none,broadcast", "--tcp", "bbr", "--json"]);
    const expected = {
      scenario: { name: "wild" },
      policies: ["none", "broadcast"],
      congestionControl: "bbr",
      json: true,
    };
    expect(options).toMatchObject(expected);
  });

  it.each([[["nosuch"]], [["--seconds", "0"]], [["--tcp", "vegas"]], [["--nosuch"]], [["wild", "asym"]]])(
    "refuses %j",
    (parameters) => {
      expect(() => parseOptions(parameters)).toThrow(UsageError);
    },
  );

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
