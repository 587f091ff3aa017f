import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { MemberStatus, StatusSnapshot } from "../../src/control/index.ts";

const MEMBER: MemberStatus = {
  name: "isp1",
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
      resequencer: { held: 5, late: 4, lost: 3, duplicates: 2 },
    },
  ],
};

export function temporarySocket(): string {
  const folder = mkdtempSync(join(tmpdir(), "wanbond-control-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "client.sock");
}
