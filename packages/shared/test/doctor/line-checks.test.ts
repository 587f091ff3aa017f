import { describe, expect, it } from "vitest";
import type { LineMeasurement } from "../../src/control/index.ts";
import { type DoctorFacts, diagnose } from "../../src/doctor/index.ts";
import { goodFacts, goodLine, goodPlan } from "./facts.ts";

function troubles(facts: DoctorFacts): string[] {
  return diagnose(facts)
    .filter(({ severity }) => severity !== "ok")
    .map(({ severity, check, uplink, found }) => `${severity} ${check} ${uplink}: ${found}`);
}
const withLine = (change: Partial<LineMeasurement>, more: Partial<DoctorFacts> = {}) =>
  troubles(goodFacts({ lines: [goodLine(change), goodLine({ name: "isp2", device: "eth2" })], ...more }));

const SILENT = {
  answers: false,
  memberUp: false,
  seen: null,
  nat: null,
  mapping: null,
  mtu: null,
  roundTrips: null,
  capacity: null,
};

describe("reach", () => {
  it.each<[string, Partial<LineMeasurement>, string]>([
    ["a device that is gone", { ...SILENT, unusable: "no-device" }, "the device does not exist (eth1)"],
    ["a device without carrier", { ...SILENT, unusable: "no-carrier" }, "the device has no carrier (eth1)"],
    [
      "UDP that is blocked",
      { ...SILENT, otherwise: { gateway: "answers", tcp: "answers", tcpPort: 443 } },
      "UDP to 203.0.113.10:51900 is blocked on this line: its host answers by TCP (port 443), and wanbond over isp2",
    ],
    [
      "a gateway that is silent",
      { ...SILENT, otherwise: { gateway: "silent", tcp: "silent", tcpPort: null } },
      "the gateway 192.168.101.1 does not answer on eth1",
    ],
    [
      "a line that is down",
      { ...SILENT, otherwise: { gateway: "answers", tcp: "silent", tcpPort: null } },
      "the gateway 192.168.101.1 answers, nothing beyond it does, while isp2 reaches the concentrator",
    ],
  ])("names %s", (_what, change, expected) => {
    expect(withLine(change)).toEqual([`fault reach isp1: ${expected}`]);
  });

  it("tells a concentrator that is silent to all from a line that is down", () => {
    const line = goodLine({ ...SILENT, otherwise: { gateway: "answers", tcp: "answers", tcpPort: 22 } });
    const [found] = troubles(goodFacts({ lines: [line], session: false }));
    expect(found).toContain(
      "the concentrator's host answers by TCP (port 22), wanbond by UDP 203.0.113.10:51900 does not",
    );
  });

  it("takes an older far end for what it is", () => {
    const found = withLine({ ...SILENT, memberUp: true });
    expect(found).toEqual([
      expect.stringContaining("note reach isp1: the member is up, but 203.0.113.10:51900 does not"),
    ]);
  });
});

describe("translators", () => {
  function natOf(change: Partial<LineMeasurement>): string {
    const findings = diagnose(goodFacts({ lines: [goodLine(change)] }));
    return (
      findings.filter(({ check }) => check === "nat").map(({ severity, found }) => `${severity}: ${found}`)[0] ?? ""
    );
  }
  it.each<[string, Partial<LineMeasurement>, string]>([
    ["none", { seen: "192.168.101.2:40000" }, "ok: no translation"],
    ["a cone", {}, "ok: translated: 192.168.101.2 is seen as 198.51.100.7:40000; the mapping is independent"],
    [
      "a symmetric one",
      { nat: { secondPort: 51_901, secondSeen: "198.51.100.7:40001" } },
      "the mapping depends on the destination (symmetric): a second port saw 198.51.100.7:40001",
    ],
    ["one that is not known", { nat: { secondPort: null, secondSeen: null } }, "how it maps is unknown"],
    [
      "a firewall before the second port",
      { nat: { secondPort: 51_901, secondSeen: null } },
      "second UDP port 51901 is not reached",
    ],
    ["the provider's", { local: "100.72.3.4:40000" }, "note: translated: 100.72.3.4 is seen as"],
    ["the provider's behind a router", { gateway: "100.64.0.1" }, "the provider translates (CGNAT)"],
    [
      "that of a public address",
      { local: "[2001:db8::1]:40000", seen: "[2001:db8::2]:40000" },
      "is public and is translated",
    ],
  ])("%s is told", (_what, change, expected) => {
    expect(natOf(change)).toContain(expected);
  });

  it("says honestly how long a mapping lasts", () => {
    const of = (mapping: LineMeasurement["mapping"], metered = false) =>
      diagnose(goodFacts({ lines: [goodLine({ mapping, metered })] }))
        .filter(({ check }) => check === "mapping")
        .map(({ severity, found }) => `${severity}: ${found}`)[0];
    expect(of({ atLeastMs: 40_000, belowMs: null, triedMs: 40_000 })).toContain("ok: a UDP mapping lasts >= 40 s");
    expect(of({ atLeastMs: 8_000, belowMs: 12_000, triedMs: 40_000 })).toContain(
      "ok: a UDP mapping lasts between 8 s and 12 s",
    );
    expect(of({ atLeastMs: 4_000, belowMs: 8_000, triedMs: 40_000 }, true)).toContain(
      "warning: a UDP mapping lasts between 4 s",
    );
    expect(of(null)).toContain("note: how long a UDP mapping lasts is unknown");
  });
});

describe("figures of a line", () => {
  const full = { kbps: 20_000, saturated: true, lossRatio: 0.3, queueMs: 60, offeredKbps: 30_000, bytes: 1 };
  it.each<[string, Partial<LineMeasurement>, string]>([
    [
      "loss",
      { roundTrips: { sent: 200, answered: 190, minMs: 20, medianMs: 21, p95Ms: 24, pdvMs: 4 } },
      "warning quality isp1: RTT 21.0 ms (least 20.0, 95 % below 24.0), PDV 4.0 ms, 5.0 % of 200 round trips lost",
    ],
    [
      "a slow line",
      { roundTrips: { sent: 9, answered: 9, minMs: 700, medianMs: 710, p95Ms: 720, pdvMs: 20 } },
      "warning quality isp1: RTT 710.0",
    ],
    [
      "a path MTU that is too small for IPv6 inside",
      { mtu: { upBytes: 1300, downBytes: 1500, exact: true, deviceBytes: 1500, triedBytes: 1500 } },
      "warning path-mtu isp1: packets of up to 1300 bytes go out and 1500 come in: packets inside of more than 1232 bytes",
    ],
    [
      "a path MTU below the device's",
      { mtu: { upBytes: 1492, downBytes: 1492, exact: true, deviceBytes: 1500, triedBytes: 1500 } },
      "note path-mtu isp1: packets of up to 1492 bytes go out and 1492 come in, the device's MTU is 1500",
    ],
    [
      "a policer",
      { capacity: { up: full, down: { ...full, queueMs: 1 } } },
      "warning capacity isp1: down 20.0 Mbit/s, up 20.0 Mbit/s; beyond 20.0 Mbit/s datagrams are dropped without a queue",
    ],
    [
      "a deep queue",
      { capacity: { up: { ...full, queueMs: 900 }, down: full } },
      "note capacity isp1: down 20.0 Mbit/s, up 20.0 Mbit/s; full, its queue takes 900 ms",
    ],
    ["a metered line", { capacity: null, metered: true }, "note capacity isp1: not measured: the line is metered"],
    [
      "clocks that differ",
      { clockSkewMs: -300_000, clockErrorMs: 5 },
      "warning clock null: the concentrator's clock is 300.00 s behind this one (± 5 ms)",
    ],
    [
      "versions that differ",
      { farVersion: "0.2.0" },
      "warning version null: this end is version 0.1.0, the concentrator 0.2.0",
    ],
  ])("name %s", (_what, change, expected) => {
    const found = withLine(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it("does not take a line that loses anyway for one with a policer", () => {
    const { roundTrips } = goodLine();
    if (roundTrips === null) throw new Error("unreachable: a good line has round trips");
    const lossy = { ...roundTrips, answered: Math.round(roundTrips.sent * 0.85) };
    const down = { ...full, lossRatio: 0.2, queueMs: 1 };
    expect(withLine({ roundTrips: lossy, capacity: { up: full, down } }).join()).not.toContain("capacity");
    const cut = { ...down, lossRatio: 0.5 };
    expect(withLine({ roundTrips: lossy, capacity: { up: full, down: cut } }).join()).toContain(
      "warning capacity isp1",
    );
  });

  it("name lines that are one when both say so, or when only one could be filled", () => {
    const shared = (second: Partial<LineMeasurement>) =>
      troubles(
        goodFacts({
          lines: [goodLine({ sharedWith: ["isp2"] }), goodLine({ name: "isp2", device: "eth2", ...second })],
        }),
      );
    const sentence = expect.stringContaining("warning shared-bottleneck null: isp1 and isp2 share a bottleneck");
    expect(shared({ sharedWith: ["isp1"] })).toEqual([sentence]);
    expect(shared({ sharedWith: [] })).toEqual([]);
    expect(shared({ capacity: null, metered: true })).toContainEqual(sentence);
  });

  it("name a line that is slower than the configuration says", () => {
    const plan = (speedKbps: number) =>
      goodPlan({ uplinks: [{ name: "isp1", device: "eth1", mtu: "auto", speedKbps }] });
    expect(withLine({}, { plan: plan(50_000) })).toEqual([
      expect.stringContaining(
        "warning capacity isp1: down 20.0 Mbit/s, up 20.0 Mbit/s; speed = 50 is configured for it",
      ),
    ]);
    expect(withLine({}, { plan: plan(25_000) })).toEqual([]);
  });

  it("name a configured MTU that the line does not carry", () => {
    const mtu = { upBytes: 1400, downBytes: 1450, exact: true, deviceBytes: 1500, triedBytes: 1500 };
    const plan = goodPlan({ uplinks: [{ name: "isp1", device: "eth1", mtu: 1500, speedKbps: null }], tapMtu: 1400 });
    expect(withLine({ mtu }, { plan })).toEqual([
      expect.stringContaining(
        "fault path-mtu isp1: packets of up to 1400 bytes go out and 1450 come in, but mtu = 1500",
      ),
      expect.stringContaining("warning tap-mtu null: mtu = 1400 is configured, 1332 bytes fit the narrowest line"),
    ]);
  });
});
