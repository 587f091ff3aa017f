import { describe, expect, it } from "vitest";
import { explainMembers } from "../../src/control/explain-members.ts";
import { type MemberHistory, type StatusSource, whyText } from "../../src/control/index.ts";
import { aggregateSnapshot, SECOND, SNAPSHOT, sourceOf } from "./support.ts";

const PHASE_NUMBERS = { rateKbps: 18_240, lossRatio: 0, queueMs: 11.24, rttMinMs: 20.1 };

/** A minute of a member: two seconds alike, one with another rate, a silence, a pause. */
const HISTORY: MemberHistory = {
  seconds: [
    { ...SECOND, time: at(1) },
    { ...SECOND, time: at(2), rateKbps: 18_500, queueMs: 12.5, firstFrames: 1_600, lost: 0 },
    { ...SECOND, time: at(3), rateKbps: 9_000, queueMs: null, srttMs: null },
    { ...SECOND, time: at(4), state: "suspect", duplicatedFrames: 7 },
    { ...SECOND, time: at(5), firstFrames: 0, shareRatio: 0, heldBack: 0, passedOver: 90 },
    { ...SECOND, time: at(30), firstFrames: 0, shareRatio: 0, heldBack: 0, passedOver: 80 },
    { ...SECOND, time: at(31), state: "unusable" },
  ],
  events: [
    {
      time: at(3.4),
      event: "path-suspect",
      path: 0,
      oldestMs: 82.4,
      limitMs: 25,
      srttMs: 42.9,
      rttVarMs: 0.13,
      reinjectedCount: 60,
    },
    {
      time: at(4.2),
      event: "path-suspect",
      path: 1,
      oldestMs: 1,
      limitMs: 1,
      srttMs: 1,
      rttVarMs: 1,
      reinjectedCount: 0,
    },
    { time: at(4.9), event: "path-cleared", path: 0, suspectMs: 1478.2 },
    { time: at(6), event: "feedback-missing", sentCount: 20, waitedMs: 3001 },
    { time: at(7), event: "feedback-back" },
    { time: at(7.5), event: "line-phase", path: 0, from: "startup", to: "steady", changeCount: 1, ...PHASE_NUMBERS },
    { time: at(7.6), event: "line-phase", path: 1, from: "startup", to: "steady", changeCount: 1, ...PHASE_NUMBERS },
    {
      time: at(7.7),
      event: "line-phase",
      path: 0,
      from: "steady",
      to: "policed",
      changeCount: 9,
      ...PHASE_NUMBERS,
      lossRatio: 0.0618,
      queueMs: null,
    },
    { time: at(8), event: "lines-shared", paths: [0, 2], correlationRatio: 0.9 },
    { time: at(8), event: "lines-shared", paths: [1, 2], correlationRatio: 0.9 },
  ],
};

function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 2, 3, 4) + seconds * 1000).toISOString();
}

function logged(seconds: number, event: string, fields: object): string {
  return JSON.stringify({ level: "info", time: at(seconds), role: "client", event, peer: "concentrator", ...fields });
}

const NUMBERS = {
  rttMs: 2140.25,
  lastRttMs: 2310,
  rttLimitMs: 1500,
  unansweredMs: 400,
  unheardMs: 391,
  plrRatio: 0.31,
  packetCount: 900,
  offences: 2,
  waitMs: 5000,
};

const LINES = [
  logged(40, "member-state", { member: "isp1", from: "up", to: "evicted", reason: "rtt", ...NUMBERS }),
  logged(41, "member-state", { member: "isp1", from: "evicted", to: "evicted", reason: "loss", ...NUMBERS }),
  logged(42, "member-state", { member: "isp1", from: "evicted", to: "down", reason: "silent", ...NUMBERS }),
  logged(43, "member-state", { member: "isp1", from: "down", to: "pending", reason: "answered", ...NUMBERS }),
  logged(43, "member-state", { member: "lte", from: "down", to: "pending", reason: "answered", ...NUMBERS }),
  logged(44, "bond-decision", { decision: { type: "eligible-changed", from: 0b011, to: 0b111, usable: 0b111 } }),
  logged(45, "bond-decision", {
    decision: { type: "active-changed", from: { name: "lte", score: 0.41 }, to: null, reason: "failed" },
  }),
  logged(46, "path-mtu", { member: "isp1", mtu: 1472, reason: "searched" }),
  logged(47, "roamed", { member: "isp1", from: "198.51.100.1:40000", to: "198.51.100.1:40001" }),
  logged(48, "peer-silent", { silentMs: 2000 }),
  logged(49, "session", { message: "both ends hold keys" }),
  logged(50, "path-suspect", { member: "isp1", path: 0 }),
  logged(51, "member-state", { member: "isp1", peer: "somebody-else" }),
  logged(52, "rekey", { rekeys: 4 }),
  logged(53, "uplink-down", { peer: undefined, uplink: "isp1", reason: "no-carrier" }),
  logged(54, "uplink-down", { peer: undefined, uplink: "lte", reason: "no-carrier" }),
  "(node:4711) a warning",
  '"text"',
];

const source = sourceOf(aggregateSnapshot, HISTORY);
const otherPolicy = sourceOf(() => SNAPSHOT);

async function textOf(asked: StatusSource, member: string, lines: readonly string[]): Promise<string> {
  return whyText(await explainMembers(asked, member, lines));
}

describe("why", () => {
  it("tells the story of a member in the order of time, alike seconds joined", async () => {
    expect(await textOf(source, "isp1", LINES)).toMatchInlineSnapshot(`
      "isp1 to concentrator, aggregate: up for 00:01:00
        line: RTT 25.3 ms (least 24.9), PDV 0.4 ms, loss 0.000, sending 1.23 Mbit/s
        use: in-use, steady (the rate is known, the queue is held short)
        now: pacing 18.24 Mbit/s (arriving 17.90), window 118 kB, under way 80 kB, queue 11.2 ms, share 0.60
        so far: 52300 frames, 14 lost, 2 of them came after all, 3 re-injected elsewhere, 1 of them came after all, 12 sent again here, 4 second copies, 9 saved by another copy, 1 times silent

        03:04:01–03:04:02  carried 3100 frames, share 0.60; 18.24–18.50 Mbit/s, window 118 kB, queue 11.2–12.5 ms, RTT 31.2 ms; 2 lost, 6 sent again here, 800 times no room
        03:04:03           carried 1500 frames, share 0.60; 9.00 Mbit/s, window 118 kB, queue - ms, RTT - ms; 2 lost, 3 sent again here, 400 times no room
        03:04:03.400       silent: what was sent 82 ms ago has not arrived, 25 ms are allowed (RTT 42.9 ± 0.1 ms); 60 frames go to other members
        03:04:04           suspect: tried with 7 copies
        03:04:04.900       in use again: after 1478 ms something sent here arrived
        03:04:05           carried nothing; 18.24 Mbit/s, window 118 kB, queue 11.2 ms, RTT 31.2 ms; 2 lost, 3 sent again here, 90 times a faster member was worth waiting for
        03:04:06.000       the far end has said nothing of 20 frames for 3001 ms: fixed shares from now on
        03:04:07.000       the far end tells what arrives again: no fixed shares any more
        03:04:07.500       phase startup -> steady: the rate is known, the queue is held short; 18.24 Mbit/s, loss 0.000, queue 11.2 ms, least RTT 20.1 ms
        03:04:07.700       phase steady -> policed (9 changes since this was told last): the line drops what is above a rate: that rate is held; 18.24 Mbit/s, loss 0.062, queue - ms, least RTT 20.1 ms
        03:04:08.000       lines-shared paths=[0,2] correlationRatio=0.9
        03:04:30           carried nothing; 18.24 Mbit/s, window 118 kB, queue 11.2 ms, RTT 31.2 ms; 2 lost, 3 sent again here, 80 times a faster member was worth waiting for
        03:04:31           out of the bond
        03:04:40.000       up -> evicted (rtt): RTT 2140.3 ms, the last 2310.0 ms, 1500 ms are allowed
        03:04:41.000       evicted -> evicted (loss): loss 0.310 of 900 datagrams
        03:04:42.000       evicted -> down (silent): a probe unanswered for 400 ms, nothing heard for 391 ms
        03:04:43.000       down -> pending (answered): RTT 2140.3 ms, loss 0.310, left 2 times lately, 5000 ms to wait
        03:04:44.000       members that may carry: isp1, lte, starlink; before: isp1, lte; answering: isp1, lte, starlink
        03:04:45.000       nobody carries what lte (score 0.41) did (failed)
        03:04:46.000       largest packet is 1472 bytes (searched)
        03:04:47.000       goes on from 198.51.100.1:40001, was 198.51.100.1:40000
        03:04:48.000       no member is heard for 2000 ms: asking for new keys
        03:04:49.000       session: both ends hold keys
        03:04:53.000       uplink-down uplink=isp1 reason=no-carrier
      "
    `);
  });

  it("shows what a bond of another policy has: its log", async () => {
    expect(await textOf(otherPolicy, "lte", LINES)).toMatchInlineSnapshot(`
      "lte to concentrator, balance-xor: evicted (rtt) for 00:01:00
        line: RTT 2140.2 ms (least 24.9), PDV 0.4 ms, loss 0.063, sending 1.23 Mbit/s

        03:04:43.000       down -> pending (answered): RTT 2140.3 ms, loss 0.310, left 2 times lately, 5000 ms to wait
        03:04:44.000       members that may carry: isp1, lte, starlink; before: isp1, lte; answering: isp1, lte, starlink
        03:04:45.000       nobody carries what lte (score 0.41) did (failed)
        03:04:48.000       no member is heard for 2000 ms: asking for new keys
        03:04:49.000       session: both ends hold keys
        03:04:54.000       uplink-down uplink=lte reason=no-carrier
      "
    `);
  });

  it("says when there is nothing to tell", async () => {
    expect(await textOf(otherPolicy, "lte", [])).toContain("nothing happened in this time");
  });

  it.each([
    ["isp1", 1],
    ["concentrator/isp1", 1],
    ["home1/isp1", 0],
    ["isp", 0],
    ["", 0],
  ])("finds for %j %i member(s), and always says which there are", async (wanted, count) => {
    const answer = await explainMembers(source, wanted, LINES);
    expect(answer.members).toHaveLength(count);
    expect(answer.known.map(({ name, path }) => `${path} ${name}`)).toEqual(["0 isp1", "1 lte", "2 starlink"]);
  });

  it("tells members of one name apart by their bonds", async () => {
    const [bond] = SNAPSHOT.bonds;
    if (bond === undefined) throw new Error("fixture");
    const twoBonds = sourceOf(() => ({ ...SNAPSHOT, bonds: [bond, { ...bond, peer: "home2" }] }));
    const peers = async (wanted: string) => {
      const { members } = await explainMembers(twoBonds, wanted, LINES);
      return members.map(({ peer }) => peer);
    };
    expect(await peers("lte")).toEqual(["concentrator", "home2"]);
    expect(await peers("home2/lte")).toEqual(["home2"]);
  });

  it("keeps control characters from the terminal", async () => {
    const line = logged(1, "session", { message: "\x1b[31mred" });
    expect(await textOf(otherPolicy, "lte", [line])).not.toContain("\x1b");
  });
});
