import { describe, expect, it } from "vitest";
import { RealtimeFilter } from "../../src/aggregate/realtime-filter.ts";
import { parseRealtimeRule } from "../../src/aggregate/realtime-rules.ts";
import type { FrameView } from "../../src/packet/index.ts";
import { ethernet, ipViewOf, ipv4, ipv6, tcp, udp, viewOf } from "../packet/frames.ts";

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
/** An IP packet of this many bytes in all. */
const udpPacket = (bytes: number, dscp = 0): FrameView =>
  ipViewOf(ipv4(udp(4000, 5000, zeros(bytes - 28)), { protocol: 17, dscp }));
const tcpPacket = (dataBytes: number, flags = 0x10): FrameView =>
  ipViewOf(ipv4([...tcp(443, 50_000, flags), ...zeros(dataBytes)], { protocol: 6 }));

/** Sends a frame at a constant rate in a flow slot. @returns the share of frames that were real-time, by second. */
function runFlow(
  filter: RealtimeFilter,
  view: FrameView,
  perSecond: number,
  fromMs: number,
  seconds: number,
  slot = 1,
) {
  return Array.from({ length: seconds }, (_, second) => {
    let found = 0;
    for (let i = 0; i < perSecond; i++) {
      if (filter.isRealtime(view, slot, fromMs + second * 1000 + (i * 1000) / perSecond)) found++;
    }
    return found / perSecond;
  });
}

/** A filter on a bond of 50 Mbit/s. */
function makeFilter(): RealtimeFilter {
  const filter = new RealtimeFilter();
  filter.setRate(6250, 0);
  return filter;
}

describe("sparse flows", () => {
  it.each([
    ["a call, 50 packets of 200 bytes a second", udpPacket(200), 50],
    ["a game or a probe, 200 packets of 128 bytes a second", udpPacket(128), 200],
    ["a hand at a keyboard", tcpPacket(36, 0x18), 12],
    ["a ping", ipViewOf(ipv4([8, 0, 0, 0, ...zeros(60)], { protocol: 1 })), 20],
    ["the same over IPv6, bridged", viewOf(ethernet(0x86dd, ipv6(udp(1, 2, zeros(100))))), 50],
    ["ARP", viewOf(ethernet(0x0806, zeros(46))), 5],
  ])("%s: every frame is real-time", (_what, view, perSecond) => {
    expect(runFlow(makeFilter(), view, perSecond, 0, 30)).toEqual(Array.from({ length: 30 }, () => 1));
  });

  it.each([
    ["acknowledgements of a QUIC transfer", udpPacket(70), 860],
    ["small frames of a flow above 600 kbit/s", udpPacket(390), 250],
  ])("%s: none is, once the rate is known", (_what, view, perSecond) => {
    const shares = runFlow(makeFilter(), view, perSecond, 0, 5);
    expect(shares[0]).toBeGreaterThan(0); // the first frames are sparse
    expect(shares.slice(3)).toEqual([0, 0]);
  });

  it("acknowledgements of TCP are not, from the first on", () => {
    expect(runFlow(makeFilter(), tcpPacket(0), 10, 0, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  it("frames above 400 bytes are not, however rare", () => {
    const filter = makeFilter();
    expect(filter.isRealtime(udpPacket(400), 1, 0)).toBe(true);
    expect(filter.isRealtime(udpPacket(401), 1, 1000)).toBe(false);
  });

  it("a small frame in a download is not, and is again a second after its end", () => {
    const filter = makeFilter();
    runFlow(filter, tcpPacket(1400), 1000, 0, 2);
    expect(filter.isRealtime(tcpPacket(100), 1, 2000)).toBe(false);
    expect(filter.isRealtime(tcpPacket(100), 1, 3000)).toBe(true);
  });

  it("a flow just about the limit is not judged anew with every frame", () => {
    const filter = makeFilter();
    const view = udpPacket(375);
    runFlow(filter, view, 210, 0, 20); // 630 kbit/s
    let changes = 0;
    let last = false;
    for (let i = 0; i < 2000; i++) {
      const isRealtime = filter.isRealtime(view, 1, 20_000 + i * (i % 200 < 100 ? 4.8 : 5.2)); // 625 and 577 kbit/s
      if (isRealtime !== last) changes++;
      last = isRealtime;
    }
    expect(changes).toBeLessThanOrEqual(4);
  });

  it("one flow slot's transfer does not cost another's call", () => {
    const filter = makeFilter();
    runFlow(filter, tcpPacket(1400), 2000, 0, 1, 7);
    expect(runFlow(filter, udpPacket(200), 50, 1000, 2, 8)).toEqual([1, 1]);
  });
});

describe("frames that say so themselves", () => {
  it.each([
    [46, true],
    [40, true],
    [48, true],
    [34, false],
    [0, false],
  ])("DSCP %i at any size and rate: %s", (dscp, expected) => {
    const shares = runFlow(makeFilter(), udpPacket(1200, dscp), 250, 0, 3); // 2.4 Mbit/s
    expect(shares).toEqual(expected ? [1, 1, 1] : [0, 0, 0]);
  });

  it("handshakes and DNS are real-time even in a slot full of a transfer", () => {
    const filter = makeFilter();
    runFlow(filter, tcpPacket(1400), 2000, 0, 1);
    const dns = ipViewOf(ipv4(udp(40_000, 53, zeros(40))));
    for (const view of [tcpPacket(0, 0x02), tcpPacket(0, 0x12), dns])
      expect(filter.isRealtime(view, 1, 1000)).toBe(true);
    expect(filter.isRealtime(tcpPacket(0), 1, 1000)).toBe(false);
    expect(filter.counters).toMatchObject({ opening: 3 });
  });
});

describe("the share of the bond", () => {
  it("is half at most, whoever asks for it: a flood of small flows, or one of marked frames", () => {
    for (const view of [udpPacket(100), udpPacket(1200, 46), tcpPacket(0, 0x02)]) {
      const filter = new RealtimeFilter();
      filter.setRate(625, 0); // 5 Mbit/s
      const bytes = view.ipEnd - view.ipOffset;
      const perMs = 10_000 / bytes; // 80 Mbit/s
      let takenBytes = 0;
      for (let i = 0; i < perMs * 2000; i++) if (filter.isRealtime(view, i % 256, i / perMs)) takenBytes += bytes;
      expect(takenBytes).toBeLessThanOrEqual(2000 * 625 * 0.5 + 625 * 0.5 * 100 + 1200);
      expect(filter.counters.overShare).toBeGreaterThan(0);
    }
  });

  it("is a modest one while the rate of the paths is not known", () => {
    const shares = runFlow(new RealtimeFilter(), udpPacket(1200, 46), 1000, 0, 10);
    expect(shares[9]).toBeCloseTo(62.5 / 1200, 2);
  });
});

describe("what the user names", () => {
  const named = ["udp 4000-4010", "tcp 50000", "dscp 34", "192.0.2.0/24", "2001:db8::/32"];
  const big = 1400;
  const address = (last: number) => ({ protocol: 6, source: `192.0.2.${last}`, destination: "198.51.100.1" });
  const view6 = (source: string) =>
    viewOf(ethernet(0x86dd, ipv6(udp(1, 2, zeros(big)), { source, destination: "2a00::1" })));

  it.each([
    ["a UDP port", udpPacket(big), true],
    ["a TCP port", tcpPacket(big), true],
    ["the same port of another protocol", ipViewOf(ipv4([...tcp(4000, 5), ...zeros(big)], { protocol: 6 })), false],
    ["a DSCP", ipViewOf(ipv4(udp(1, 2, zeros(big)), { protocol: 17, dscp: 34 })), true],
    ["a network", ipViewOf(ipv4([...tcp(1, 2), ...zeros(big)], address(7))), true],
    ["a network of IPv6", view6("2001:db8::9"), true],
    ["none of them", ipViewOf(ipv4(udp(1, 2, zeros(big)), { protocol: 17 })), false],
    ["another network of IPv6", view6("2a01:db8::9"), false],
  ])("%s", (_what, view, expected) => {
    const filter = new RealtimeFilter(named);
    filter.setRate(6250, 0);
    expect(filter.isRealtime(view, 1, 0)).toBe(expected);
    expect(filter.counters.named).toBe(expected ? 1 : 0);
  });

  it.each(["", "udp", "udp 0", "tcp 9-5", "tcp 1-65536", "dscp 64", "192.0.2.0/33", "sctp 5"])(
    "%s is no rule",
    (text) => {
      expect(parseRealtimeRule(text)).toBeNull();
      expect(() => new RealtimeFilter([text])).toThrow(RangeError);
    },
  );
});
