import { describe, expect, it } from "vitest";
import { EvenFlows } from "../../src/aggregate/even-flows.ts";
import type { FrameView } from "../../src/packet/index.ts";
import { ipViewOf, ipv4, ipv6, tcp, udp } from "../packet/frames.ts";

const SERVER = "198.51.100.10";
const OTHER = "198.51.100.11";
const ACK = 0x10;
const SYN_ACK = 0x12;
/** Of the soonest line; a frame of 1400 bytes every ms is more than enough for it. */
const SOONEST = 1_250;
const BEHIND_MS = 100;
const FULL_BYTES = 1_400;

function tcpFrame(source: string, flags: number): FrameView {
  return ipViewOf(ipv4(tcp(443, 50_000, flags), { protocol: 6, source }));
}

class Traffic {
  readonly flows = new EvenFlows();
  nowMs = 0;
  found = 0;

  /** A frame per ms, as long as a path takes. */
  run(ms: number, frame: FrameView, { slot = 1, bytes = FULL_BYTES, behindMs = BEHIND_MS } = {}): boolean {
    let isEven = false;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs++) {
      isEven = this.flows.isEven(frame, slot, bytes, true, this.nowMs);
      if (this.nowMs % 100 === 0 && this.flows.sources.look(SOONEST, behindMs, this.nowMs) !== null) this.found++;
    }
    return isEven;
  }

  /** A connection begins. @returns whether it is even. */
  begin(source: string, slot: number, mayBeEven = true): boolean {
    const isEven = this.flows.isEven(tcpFrame(source, SYN_ACK), slot, 60, mayBeEven, this.nowMs);
    expect(this.flows.isEven(tcpFrame(source, ACK), slot, FULL_BYTES, mayBeEven, this.nowMs + 1)).toBe(isEven);
    return isEven;
  }
}

describe("a flow is even", () => {
  it("from its first frame on when its host was seen to fill the soonest line, and not when it was not", () => {
    const traffic = new Traffic();
    expect(traffic.begin(SERVER, 1)).toBe(false);
    traffic.run(4_000, tcpFrame(SERVER, ACK));
    expect(traffic.begin(SERVER, 2)).toBe(true);
    expect(traffic.begin(OTHER, 3)).toBe(false);
    expect(traffic.found).toBe(1);
  });

  it("never while it runs: a delay that rises is what it must not see", () => {
    const traffic = new Traffic();
    traffic.begin(SERVER, 1);
    expect(traffic.run(10_000, tcpFrame(SERVER, ACK))).toBe(false);
  });

  it.each([
    ["sends less than the soonest line takes", { bytes: 800 }],
    ["sends over lines of the same delay", { behindMs: 2 }],
  ])("not when its host %s", (_what, options) => {
    const traffic = new Traffic();
    traffic.run(10_000, tcpFrame(SERVER, ACK), options);
    expect(traffic.begin(SERVER, 2)).toBe(false);
  });

  it("not when its host filled the line for a moment only", () => {
    const traffic = new Traffic();
    for (let i = 0; i < 5; i++) {
      traffic.run(900, tcpFrame(SERVER, ACK));
      traffic.run(1_600, tcpFrame(SERVER, ACK), { bytes: 100 });
    }
    expect(traffic.begin(SERVER, 2)).toBe(false);
  });

  it("not when two hosts share the lines: neither is held back by itself", () => {
    const traffic = new Traffic();
    for (let i = 0; i < 5_000; i++) traffic.run(1, tcpFrame(i % 2 === 0 ? SERVER : OTHER, ACK));
    expect(traffic.begin(SERVER, 2)).toBe(false);
  });

  it("not when the far end gives even flows one path's delay only", () => {
    const traffic = new Traffic();
    traffic.run(4_000, tcpFrame(SERVER, ACK));
    expect(traffic.begin(SERVER, 2, false)).toBe(false);
  });

  it("not when it shares its flow slot with a connection that is in use", () => {
    const traffic = new Traffic();
    traffic.run(4_000, tcpFrame(SERVER, ACK));
    expect(traffic.begin(SERVER, 1)).toBe(false);
    traffic.nowMs += 3_000;
    expect(traffic.begin(SERVER, 1)).toBe(true);
  });

  it("not when another host's call comes to share its flow slot", () => {
    const traffic = new Traffic();
    traffic.run(4_000, tcpFrame(SERVER, ACK));
    expect(traffic.begin(SERVER, 2)).toBe(true);
    const call = ipViewOf(ipv4(udp(4_000, 5_000), { source: OTHER }));
    expect(traffic.flows.isEven(call, 2, 200, true, traffic.nowMs)).toBe(false);
  });

  it("not ten minutes after its host was seen to", () => {
    const traffic = new Traffic();
    traffic.run(4_000, tcpFrame(SERVER, ACK));
    traffic.nowMs += 590_000;
    expect(traffic.begin(SERVER, 2)).toBe(true);
    traffic.nowMs += 12_000;
    expect(traffic.begin(SERVER, 3)).toBe(false);
  });

  it("when it is QUIC, from its long header on, and over IPv6", () => {
    const quic = (first: number) => ipViewOf(ipv6(udp(443, 50_000, [first, 0, 0, 0, 1])));
    const traffic = new Traffic();
    traffic.run(4_000, quic(0x40));
    expect(traffic.flows.isEven(quic(0x40), 2, FULL_BYTES, true, traffic.nowMs)).toBe(false);
    expect(traffic.flows.isEven(quic(0xc3), 3, FULL_BYTES, true, traffic.nowMs)).toBe(true);
    expect(traffic.flows.isEven(quic(0x40), 3, FULL_BYTES, true, traffic.nowMs)).toBe(true);
  });
});

it("remembers 256 hosts, the latest", () => {
  const traffic = new Traffic();
  const hostOf = (n: number) => `203.0.${n >> 8}.${n & 0xff}`;
  for (let n = 0; n < 257; n++) traffic.run(3_000, tcpFrame(hostOf(n), ACK));
  expect(traffic.begin(hostOf(0), 2)).toBe(false);
  expect(traffic.begin(hostOf(256), 3)).toBe(true);
});
