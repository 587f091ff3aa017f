import { describe, expect, it } from "vitest";
import { needOwnEmulator } from "../support/emulator.ts";
import { netemCommand } from "../support/emulator-netem.ts";
import { applyChanges, initialState, line } from "../support/emulator-settings.ts";
import { tallyLine, tallyReport } from "../support/test-summary.ts";
import { renderToml } from "../support/toml.ts";
import { parsePing } from "../support/traffic.ts";
import { type ProbeArrival, summarizeProbe } from "../support/udp-probe.ts";

describe("netem", () => {
  const living = { cut: false, extraDelayMs: 0 };

  it("gives the queue's bytes on top of what is under way, in full-size packets", () => {
    // 65536 bytes of queue and 25 ms of 5 Mbit/s are 81161 bytes.
    expect(netemCommand("line", line(20_000, 5000, 25).up, living)).toBe(
      "qdisc replace dev line root netem limit 55 delay 25ms rate 5000kbit -14",
    );
  });

  it("says PDV and loss only where there are any", () => {
    const direction = line(12_000, 5000, 45, { pdvMs: 15, lossRatio: 0.003 }).down;
    expect(netemCommand("isp3", direction, living)).toBe(
      "qdisc replace dev isp3 root netem limit 95 delay 45ms 15ms distribution normal loss 0.3% rate 12000kbit -14",
    );
  });

  it("makes a cut a loss of everything, and a spike a longer delay", () => {
    const state = applyChanges(initialState(line(8000, 500, 60)), { cut: true, extraDelayMs: 2000 });
    expect(netemCommand("line", state.down, state)).toMatch(/delay 2060ms loss 100% rate/);
  });

  it("is not for lines that reorder, in either direction", () => {
    const steady = line(8000, 500, 60, { pdvMs: 5 });
    const reordering = line(8000, 500, 60, { pdvMs: 5, reorders: true });
    expect(needOwnEmulator([steady, steady])).toBe(false);
    expect(needOwnEmulator([steady, { ...steady, up: reordering.up }])).toBe(true);
    expect(needOwnEmulator([{ ...steady, down: reordering.down }, steady])).toBe(true);
    expect(() => netemCommand("line", reordering.down, living)).toThrow(/keeps the order/);
  });
});

describe("line state", () => {
  it("changes what is named and keeps the rest", () => {
    const before = initialState(line(8000, 500, 60));
    const after = applyChanges(before, { down: { rateKbps: 2000 } });
    expect(after).toEqual({ ...before, down: { ...before.down, rateKbps: 2000 } });
  });
});

describe("UDP probe", () => {
  const arrival = (sequence: number, arrivedMs: number): ProbeArrival => ({
    sequence,
    sentMs: sequence * 5,
    reflectedMs: arrivedMs - 1,
    arrivedMs,
  });
  const sentMs = Array.from({ length: 10 }, (_, sequence) => sequence * 5);

  it("counts loss, duplicates, reordering and the longest silence", () => {
    // 3 and 4 lost, 6 before 5, 7 twice.
    const arrivals = [
      arrival(0, 10),
      arrival(1, 15),
      arrival(2, 20),
      arrival(6, 45),
      arrival(5, 46),
      arrival(7, 47),
      arrival(7, 48),
      arrival(8, 51),
      arrival(9, 56),
    ];
    expect(summarizeProbe({ sentMs, arrivals }, { fromMs: 0, toMs: 100 })).toEqual({
      sent: 10,
      lost: 2,
      duplicates: 1,
      reordered: 1,
      longestGapMs: 25,
      longestGapAtMs: 45,
      rttMinMs: 10,
      rttP50Ms: 11,
      rttP95Ms: 21,
      rttMaxMs: 21,
    });
  });

  it("counts only what was sent in the window, and a silence that reaches into it", () => {
    const arrivals = [arrival(0, 10), arrival(1, 15), arrival(9, 80)];
    const statistics = summarizeProbe({ sentMs, arrivals }, { fromMs: 20, toMs: 40 });
    expect(statistics).toMatchObject({ sent: 4, lost: 4, longestGapMs: 65, rttP50Ms: null });
  });
});

describe("ping", () => {
  it("reads times and losses of iputils", () => {
    const output = `64 bytes from 198.51.100.10: icmp_seq=1 ttl=62 time=50.5 ms
64 bytes from 198.51.100.10: icmp_seq=3 ttl=62 time=51 ms

--- 198.51.100.10 ping statistics ---
3 packets transmitted, 2 received, 33.3333% packet loss, time 54ms`;
    expect(parsePing(output)).toEqual({ sent: 3, received: 2, p50Ms: 50.5, p95Ms: 51, maxMs: 51 });
    expect(parsePing(output, 1, 1)).toEqual({ sent: 1, received: 0, p50Ms: null, p95Ms: null, maxMs: null });
    expect(parsePing(output, 1, 2)).toMatchObject({ sent: 2, received: 1, maxMs: 51 });
  });

  it("says unknown when nothing came back", () => {
    const output = "3 packets transmitted, 0 received, 100% packet loss, time 54ms";
    expect(parsePing(output)).toEqual({ sent: 3, received: 0, p50Ms: null, p95Ms: null, maxMs: null });
  });
});

describe("TOML", () => {
  it("writes values before tables, and tables of tables", () => {
    const document = {
      client: { tap: "wb0", defaultRoute: true, lan: ["192.168.50.0/24"], mtu: undefined },
      uplink: [{ name: "isp1" }, { name: "isp2", metered: false }],
      bonding: {
        defaultBondingPolicy: "custom",
        policies: { custom: { basePolicy: "balance-rr", packetsPerLink: 1 } },
      },
    };
    expect(renderToml(document)).toBe(`
[client]
tap = "wb0"
defaultRoute = true
lan = ["192.168.50.0/24"]

[[uplink]]
name = "isp1"

[[uplink]]
name = "isp2"
metered = false

[bonding]
defaultBondingPolicy = "custom"

[bonding.policies]

[bonding.policies.custom]
basePolicy = "balance-rr"
packetsPerLink = 1
`);
  });
});

describe("test summary", () => {
  const file = (status: string, ...statuses: string[]) => ({
    name: "x.test.ts",
    status,
    assertionResults: statuses.map((each) => ({ status: each })),
  });

  it("counts a file that could not run as a failure", () => {
    const report = {
      testResults: [file("passed", "passed", "skipped"), file("failed"), file("failed", "failed", "passed")],
    };
    expect(tallyReport(report)).toEqual({ passed: 2, failed: 2, skipped: 1 });
  });

  it("speaks of skipped tests only when there are some", () => {
    expect(tallyLine({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
    expect(tallyLine({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
  });
});
