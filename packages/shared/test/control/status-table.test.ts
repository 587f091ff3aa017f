import { describe, expect, it } from "vitest";
import { type FallbackStatus, statusTable } from "../../src/control/index.ts";
import { aggregateSnapshot, SNAPSHOT } from "./support.ts";

const FALLBACK: FallbackStatus = {
  way: "bond",
  uplink: null,
  device: null,
  directMs: null,
  direct: true,
  killSwitch: "off",
  uplinks: [],
};
const UPLINKS = [
  { name: "dsl", answers: true, rttMs: 31.2, plrRatio: 0 },
  { name: "cable", answers: false, rttMs: null, plrRatio: 1 },
  { name: "lte", answers: null, rttMs: null, plrRatio: null },
];

describe("the status table", () => {
  it("shows a bond, its members and what is not known as a dash", () => {
    expect(statusTable(SNAPSHOT)).toMatchInlineSnapshot(`
      "client pid 4711, wb0, up 1 d 02:03:04

        PEER          BOND TYPE               STATUS    LINKS  MTU   CIPHER       SESSION   REKEYS  ADDRESSES
        concentrator  balance-xor (layer3+4)  Degraded  1/3    1432  aes-256-gcm  00:01:01  3       10.200.0.2/32

        MEMBER    DEVICE  STATUS         RTT ms  PDV ms    PLR    PER  TX Mbit/s  RX Mbit/s  SHARE   MTU
        isp1      eth1    up               25.3     0.4  0.000  0.000       1.23        250   0.50  1500
        lte       wwan0   evicted (rtt)  2140.2     0.4  0.063  0.000       1.23        250   0.00  1500
        starlink  -       pending             -       -      -      -          -          -      -     -

      RESEQUENCER
        held 5, late 4, lost 3, duplicates 2, made of parity 1

      DROPS
        no-member-up  12
      "
    `);
  });

  it("shows how an aggregate bond uses its members, and its queue", () => {
    expect(statusTable(aggregateSnapshot())).toMatchInlineSnapshot(`
      "client pid 4711, wb0, up 1 d 02:03:04

        PEER          BOND TYPE  STATUS    LINKS  MTU   CIPHER       SESSION   REKEYS  ADDRESSES
        concentrator  aggregate  Degraded  1/3    1432  aes-256-gcm  00:01:01  3       10.200.0.2/32

        MEMBER    DEVICE  STATUS         RTT ms  PDV ms    PLR    PER  TX Mbit/s  RX Mbit/s  SHARE   MTU
        isp1      eth1    up               25.3     0.4  0.000  0.000       1.23        250   0.50  1500
        lte       wwan0   evicted (rtt)  2140.2     0.4  0.063  0.000       1.23        250   0.00  1500
        starlink  -       pending             -       -      -      -          -          -      -     -

        MEMBER  PHASE    SHARE  PACING Mbit/s  WINDOW kB  QUEUE ms  RETX  REINJ  DUP  PARITY  SAVED
        isp1    steady    0.60          18.24        118      11.2    12      3    4      70      9
        lte     suspect   0.40              -        118         -    12      3    4      70      9

      QUEUE
        waiting 12 (18 kB), dropped 41, marked 5, kept 161 kB, given up 2, feedback refused 3

      RESEQUENCER
        held 5, late 4, lost 3, duplicates 2, made of parity 1
      "
    `);
  });

  it("says which concentrator is used, and which are in reserve", () => {
    const [bond] = SNAPSHOT.bonds;
    if (bond === undefined) throw new Error("unreachable: the snapshot has a bond");
    const reserve = { ...bond, peer: "paris", inUse: false, members: [] };
    expect(statusTable({ ...SNAPSHOT, bonds: [bond, reserve] })).toMatch(/paris .* Down, in reserve/);
  });

  it.each<[string, Partial<FallbackStatus>, string]>([
    ["nothing where the bond carries all", {}, ""],
    [
      "the uplink that is used directly, and what is known of the others",
      { way: "direct", uplink: "dsl", device: "eth1", directMs: 83_000, uplinks: UPLINKS },
      `DIRECT over dsl (eth1) for 00:01:23, outside the bond: no concentrator is reachable
  UPLINK  INTERNET   RTT ms   PLR
  dsl     yes          31.2  0.00
  cable   no              -  1.00
  lte     not asked       -     -
`,
    ],
    [
      "that nothing is reachable, and what comes of it",
      { way: "none" },
      "NO CONCENTRATOR is reachable: direct fallback after a while\n",
    ],
    [
      "the kill switch",
      { way: "none", direct: false, killSwitch: "on" },
      "KILL SWITCH on: nothing of the LAN leaves but through the bond\nNO CONCENTRATOR is reachable\n",
    ],
  ])("tells %s", (_, change, text) => {
    const table = statusTable({ ...SNAPSHOT, fallback: { ...FALLBACK, ...change } });
    const head = `${statusTable(SNAPSHOT).split("\n")[0]}\n`;
    expect(table.startsWith(`${head}${text === "" ? "" : "\n"}${text}\n`)).toBe(true);
  });

  it("says that the far end of an aggregate bond sends no feedback", () => {
    const snapshot = aggregateSnapshot();
    const bonds = snapshot.bonds.map((bond) => ({
      ...bond,
      aggregate: bond.aggregate && { ...bond.aggregate, usesFixedShares: true },
    }));
    expect(statusTable({ ...snapshot, bonds })).toContain("fixed shares, nothing is sent again");
  });

  it("says when there is no bond yet", () => {
    expect(statusTable({ ...SNAPSHOT, bonds: [], drops: {} })).toBe(
      "client pid 4711, wb0, up 1 d 02:03:04\n\n  no bonds\n",
    );
  });

  it.each([
    ["up", ["up", "standby"], "Healthy"],
    ["up", ["up", "evicted"], "Degraded"],
    ["up", ["down", "pending"], "Down"],
    ["connecting", [], "Connecting"],
  ] as const)("calls a bond that is %s with members %j %s", (state, states, health) => {
    const [bond] = SNAPSHOT.bonds;
    const [member] = bond?.members ?? [];
    if (bond === undefined || member === undefined) throw new Error("fixture");
    const members = states.map((each) => ({ ...member, state: each }));
    expect(statusTable({ ...SNAPSHOT, bonds: [{ ...bond, state, members }] })).toContain(health);
  });

  it("keeps control characters in a far end's names from the terminal", () => {
    const [bond] = SNAPSHOT.bonds;
    if (bond === undefined) throw new Error("fixture");
    const text = statusTable({ ...SNAPSHOT, bonds: [{ ...bond, peer: "\x1b[31mred\r" }] });
    expect(text).toContain("?[31mred?");
    expect(text).not.toContain("\x1b");
  });
});
