import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { MemberHistory, MemberStatus, StatusSnapshot, StatusSource } from "../../src/control/index.ts";

const MEMBER: MemberStatus = {
  name: "isp1",
  path: 0,
  device: "eth1",
  local: "192.168.101.254:40000",
  remote: "203.0.113.10:51900",
  state: "up",
  reason: null,
  rttMs: 25.34,
  rttMinMs: 24.9,
  pdvMs: 0.42,
  plrRatio: 0,
  perRatio: 0,
  txKbps: 1234.5,
  rxKbps: 250_000,
  txBytes: 1,
  rxBytes: 2,
  shareRatio: 0.5,
  mtu: 1500,
  stateSinceMs: 60_000,
  aggregate: null,
};

/** A client with one member up, one evicted and one of which nothing is known yet. */
export const SNAPSHOT: StatusSnapshot = {
  version: 1,
  role: "client",
  pid: 4711,
  uptimeMs: 93_784_000,
  tap: "wb0",
  drops: { "replayed-datagram": 0, "no-member-up": 12 },
  bonds: [
    {
      peer: "concentrator",
      inUse: true,
      reason: null,
      state: "up",
      policy: "balance-xor",
      hashPolicy: "layer3+4",
      mtu: 1432,
      cipher: "aes-256-gcm",
      sessionAgeMs: 61_000,
      rekeys: 3,
      addresses: ["10.200.0.2/32"],
      members: [
        MEMBER,
        {
          ...MEMBER,
          name: "lte",
          path: 1,
          device: "wwan0",
          state: "evicted",
          reason: "rtt",
          rttMs: 2140.2,
          plrRatio: 0.0625,
          shareRatio: 0,
        },
        {
          ...MEMBER,
          name: "starlink",
          path: 2,
          device: null,
          state: "pending",
          rttMs: null,
          pdvMs: null,
          plrRatio: null,
          perRatio: null,
          txKbps: null,
          rxKbps: null,
          shareRatio: null,
          mtu: null,
        },
      ],
      resequencer: { held: 5, late: 4, lost: 3, duplicates: 2, made: 1 },
      aggregate: null,
    },
  ],
  fallback: null,
};

/** How a member of an aggregate bond is used. */
const USE: NonNullable<MemberStatus["aggregate"]> = {
  state: "in-use",
  phase: "steady",
  rateKbps: 18_240,
  deliveryKbps: 17_900,
  windowBytes: 118_400,
  inflightBytes: 80_200,
  queueMs: 11.2,
  lineQueueMs: 10.4,
  baseOwdMs: -4321.5,
  rttMinMs: 20.1,
  srttMs: 31.2,
  rttVarMs: 1.4,
  pdvMs: 0.4,
  marginMs: 0.2,
  latenessMs: 0.1,
  reorderMs: 1,
  plrRatio: 0.001,
  gain: 1,
  shareRatio: 0.6,
  firstFrames: 52_300,
  firstBytes: 70_000_000,
  retransmittedFrames: 12,
  retransmittedBytes: 16_000,
  duplicatedFrames: 4,
  duplicatedBytes: 400,
  parityFrames: 70,
  parityBytes: 98_000,
  controlBytes: 9_000,
  lost: 14,
  spurious: 2,
  reinjected: 3,
  late: 1,
  saved: 9,
  silences: 1,
};

/** One second of that member, but for its time. */
export const SECOND: Omit<MemberHistory["seconds"][number], "time"> = {
  state: "in-use",
  rateKbps: 18_240,
  windowBytes: 118_400,
  inflightBytes: 80_200,
  queueMs: 11.2,
  srttMs: 31.2,
  shareRatio: 0.6,
  firstFrames: 1_500,
  retransmittedFrames: 3,
  duplicatedFrames: 0,
  lost: 2,
  reinjected: 0,
  heldBack: 400,
  passedOver: 0,
};

/** A client whose bond aggregates: one member in use, one suspect, one of which its sender knows nothing. */
export function aggregateSnapshot(): StatusSnapshot {
  const [bond] = SNAPSHOT.bonds;
  const [first, second, third] = bond?.members ?? [];
  if (bond === undefined || first === undefined || second === undefined || third === undefined)
    throw new Error("fixture");
  const suspect = { ...USE, state: "suspect" as const, queueMs: null, rateKbps: null, shareRatio: 0.4 };
  return {
    ...SNAPSHOT,
    drops: {},
    bonds: [
      {
        ...bond,
        policy: "aggregate",
        hashPolicy: null,
        members: [{ ...first, aggregate: USE }, { ...second, aggregate: suspect }, third],
        aggregate: {
          usesFixedShares: false,
          queue: { packets: 12, bytes: 18_100, drops: { "queue-full": 1, "queue-delay": 40 }, markedFrames: 5 },
          keptBytes: 161_000,
          unkeptFrames: 0,
          givenUp: { "too-old": 2, "too-many-tries": 0 },
          refusedFeedback: { clock: 0, "never-sent": 3 },
          outdatedFeedback: 1,
          realtimeFrames: { marked: 1 },
          secondCopies: { budget: 4 },
        },
      },
    ],
  };
}

/** A program that remembers nothing of its members, if not said otherwise. */
export function sourceOf(
  read: StatusSource["read"],
  history: MemberHistory = { seconds: [], events: [] },
): StatusSource {
  return { read, history: async () => history };
}

export function temporarySocket(): string {
  const folder = mkdtempSync(join(tmpdir(), "wanbond-control-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "client.sock");
}
