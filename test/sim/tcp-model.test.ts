import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameView } from "../../packages/shared/src/packet/index.ts";
import { Bbr, Cubic, TcpFlow, type TcpFlowOptions, type TcpFrame, type TcpSegment } from "../support/tcp-model.ts";
import { TcpPackets } from "../support/tcp-packets.ts";
import { type LineSettings, VirtualNetwork } from "../support/virtual-network.ts";

const PAYLOAD_SHARE = 1448 / 1500;
/** 20 Mbit/s, RTT 50 ms, 64 packets of buffer behind the 83 that are under way. */
const LINE: Partial<LineSettings> = { rateKbps: 20_000, delayMs: 25, queueBytes: 64 * 1500 };

interface RunOptions extends Partial<TcpFlowOptions> {
  readonly seed?: number;
  /** Default: no end. */
  readonly bytes?: number;
  readonly up?: Partial<LineSettings>;
  /** @returns false to drop a segment, a number to hold it back by so many ms. */
  readonly fate?: (segment: TcpSegment, count: number) => boolean | number;
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** One connection over one line each way; figures are those of fromMs to untilMs. */
function run(control: Cubic | Bbr, settings: Partial<LineSettings>, options: RunOptions = {}) {
  const { seed = 1, bytes = Number.POSITIVE_INFINITY, fromMs = 5_000, untilMs = 60_000, fate = () => true } = options;
  const network = new VirtualNetwork(seed);
  const onFrame = (frame: TcpFrame, nowMs: number): void => flow.onFrame(frame, nowMs);
  const line = network.line<TcpFrame>(settings, onFrame);
  const back = network.line<TcpFrame>({ delayMs: settings.delayMs ?? 0, ...options.up }, onFrame);
  let segments = 0;
  const flow: TcpFlow = new TcpFlow(
    { ...options, control },
    {
      sendSegment: (segment, nowMs) => {
        const held = fate(segment, segments++);
        if (held === false) return;
        if (held === true) line.send(segment, segment.sizeBytes, nowMs);
        else network.after(held, () => line.send(segment, segment.sizeBytes, network.nowMs));
      },
      sendAck: (ack, nowMs) => back.send(ack, ack.sizeBytes, nowMs),
    },
  );
  network.add(flow);
  flow.sender.offer(bytes, 0);
  network.run(Math.min(fromMs, untilMs));
  const before = { bytes: flow.receiver.receivedBytes, copies: flow.receiver.duplicateSegments };
  let queueMs = 0;
  let samples = 0;
  let doneMs = Number.POSITIVE_INFINITY;
  while (network.nowMs < untilMs && doneMs === Number.POSITIVE_INFINITY) {
    network.run(network.nowMs + 10);
    queueMs += line.queueMs(network.nowMs);
    samples++;
    if (flow.sender.isDone) doneMs = network.nowMs;
  }
  const goodputKbps = ((flow.receiver.receivedBytes - before.bytes) * 8) / (network.nowMs - fromMs);
  return {
    goodputKbps,
    share: goodputKbps / ((settings.rateKbps ?? Number.NaN) * PAYLOAD_SHARE),
    queueMs: queueMs / samples,
    drops: line.counters.queueDrops,
    doneMs,
    copies: flow.receiver.duplicateSegments - before.copies,
    flow,
    ...flow.sender.counters,
  };
}

describe("cubic", () => {
  it("fills a line whose buffer holds less than what is under way, and loses nothing but what overflows", () => {
    const { share, queueMs, drops, resent, copies, timeouts } = run(new Cubic(), LINE);
    expect(share).toBeGreaterThan(0.95);
    expect(queueMs).toBeGreaterThan(5);
    expect(queueMs).toBeLessThan((64 * 12) / 20);
    expect(drops).toBeGreaterThan(5);
    expect([resent, copies, timeouts]).toEqual([drops, 0, 0]);
  });

  it("stands in a deep buffer for hundreds of milliseconds", () => {
    expect(run(new Cubic(), { ...LINE, queueBytes: 2_500_000 }).queueMs).toBeGreaterThan(400);
  });

  it("loses a part of the line to a buffer that is far too small", () => {
    const { share } = run(new Cubic(), { ...LINE, queueBytes: 6 * 1500 });
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.95);
  });

  it.each([0.001, 0.005, 0.02])(
    "with %d of random loss it gets what RFC 9438 computes, within a factor of two",
    (loss) => {
      const { goodputKbps } = run(
        new Cubic(),
        { rateKbps: 200_000, delayMs: 60, lossRatio: loss },
        { untilMs: 200_000 },
      );
      const rttS = 0.12;
      const cubicWindow = ((0.4 * 3.7) / (4 * 0.3)) ** 0.25 * (rttS / loss) ** 0.75; // section 5.1, equation 6
      const renoWindow = Math.sqrt(1.5 / loss); // section 4.3
      const computedKbps = (Math.max(cubicWindow, renoWindow) * 1448 * 8) / 1000 / rttS;
      expect(goodputKbps / computedKbps).toBeGreaterThan(0.5);
      expect(goodputKbps / computedKbps).toBeLessThan(2);
    },
  );

  it("shares a line with another", () => {
    const network = new VirtualNetwork(3);
    const flows: TcpFlow[] = [];
    const onFrame = ({ index, frame }: { index: number; frame: TcpFrame }, nowMs: number): void =>
      flows[index]?.onFrame(frame, nowMs);
    const line = network.line(LINE, onFrame);
    const back = network.line({ delayMs: 25 }, onFrame);
    for (let index = 0; index < 2; index++) {
      const flow = new TcpFlow(
        { control: new Cubic() },
        {
          sendSegment: (frame, nowMs) => line.send({ index, frame }, frame.sizeBytes, nowMs),
          sendAck: (frame, nowMs) => back.send({ index, frame }, frame.sizeBytes, nowMs),
        },
      );
      flows.push(flow);
      network.add(flow);
      network.at(index * 10_000, () => flow.sender.offer(Number.POSITIVE_INFINITY, network.nowMs));
    }
    network.run(60_000);
    const before = flows.map((flow) => flow.receiver.receivedBytes);
    network.run(180_000);
    const [a = 0, b = 0] = flows.map((flow, i) => ((flow.receiver.receivedBytes - (before[i] ?? 0)) * 8) / 120_000);
    expect(a + b).toBeGreaterThan(0.95 * 20_000 * PAYLOAD_SHARE);
    expect(Math.min(a, b) / (a + b)).toBeGreaterThan(0.3);
  });
});

describe("HyStart", () => {
  const deep = { rateKbps: 50_000, delayMs: 30, queueMs: 300 };
  const bandwidthDelayPackets = (50_000 / 8 / 1500) * 60;

  it("leaves slow start near the bandwidth-delay product on a steady line, without overflowing its buffer", () => {
    const control = new Cubic();
    const { drops } = run(control, deep, { untilMs: 5_000, fromMs: 1_000 });
    expect(control.hystartExit?.cwnd).toBeGreaterThan(0.5 * bandwidthDelayPackets);
    expect(control.hystartExit?.cwnd).toBeLessThan(2 * bandwidthDelayPackets);
    expect(drops).toBe(0);
    expect(run(new Cubic(false), deep, { untilMs: 5_000, fromMs: 1_000 }).drops).toBeGreaterThan(100);
  });

  it("takes a train of acknowledgements longer than half the least RTT for a full line", () => {
    const { flow } = run(new Cubic(), LINE, { untilMs: 100, fromMs: 0 });
    const state = { ...flow.sender.state, cwnd: 100, ssthresh: Number.POSITIVE_INFINITY, pacingBytesPerMs: 1e6 };
    const lastAckMs = (gapMs: number): number => {
      const control = new Cubic();
      for (let nowMs = 1000; nowMs < 1100 && !control.hystartExit; nowMs += gapMs) control.onRtt(state, 40, nowMs);
      return control.hystartExit?.reason === "train" ? control.hystartExit.nowMs - 1000 : Number.NaN;
    };
    expect(lastAckMs(1)).toBe(21);
    expect(lastAckMs(3)).toBeNaN(); // gaps above 2 ms are no train
  });

  it("leaves it far too early on a line whose delay varies, and then needs seconds", () => {
    const exits: number[] = [];
    let goodputKbps = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const control = new Cubic();
      goodputKbps += run(control, { ...deep, pdvMs: 8 }, { seed, fromMs: 0, untilMs: 3_000 }).goodputKbps / 5;
      exits.push(control.hystartExit?.cwnd ?? Number.POSITIVE_INFINITY);
    }
    expect(exits.sort((a, b) => a - b)[2]).toBeLessThan(0.5 * bandwidthDelayPackets);
    expect(goodputKbps).toBeLessThan(0.75 * 50_000 * PAYLOAD_SHARE);
  });
});

describe("BBR", () => {
  it("fills the line with less of a queue than cubic", () => {
    const { share, queueMs } = run(new Bbr(), LINE);
    expect(share).toBeGreaterThan(0.93);
    expect(queueMs).toBeLessThan(0.5 * run(new Cubic(), LINE).queueMs);
  });

  it.each([0.005, 0.05])("does not care for %d of random loss", (loss) => {
    const { share } = run(new Bbr(), { rateKbps: 20_000, delayMs: 60, lossRatio: loss }, { windowBytes: 16e6 });
    expect(share / (1 - loss)).toBeGreaterThan(0.85);
  });

  it("drains the line every ten seconds to see its least RTT", () => {
    const control = new Bbr();
    const modes = new Set<string>();
    run(control, LINE, { fate: () => modes.add(control.mode) !== undefined });
    expect(modes).toEqual(new Set(["startup", "drain", "probe-bw", "probe-rtt"]));
    expect(control.minRttMs).toBeLessThan(52);
  });

  it("takes the acknowledgements of a line with PDV for more than the line has, and stands on twice the window", () => {
    const steady = run(new Bbr(), { ...LINE, queueBytes: 1e6 });
    const shaking = run(new Bbr(), { ...LINE, queueBytes: 1e6, pdvMs: 4, reorders: true });
    expect(shaking.queueMs).toBeGreaterThan(2 * steady.queueMs);
  });
});

describe("reordering", () => {
  it("of a few packets costs copies until it is known, and none after that", () => {
    // Each 50th segment comes 4 ms late: behind six others, less than a quarter of the RTT.
    const fate = (_segment: TcpSegment, count: number): number | true => (count % 50 === 10 ? 4 : true);
    const start = run(new Cubic(), LINE, { fate, untilMs: 1_000, fromMs: 0 });
    expect(start.copies).toBeGreaterThan(0);
    expect(start.flow.sender.recovery.undone).toBeGreaterThan(0);
    for (const control of [new Cubic(), new Bbr()]) {
      const later = run(control, LINE, { fate, fromMs: 2_000 });
      expect(later.copies).toBe(0);
      expect(later.share).toBeGreaterThan(0.93);
    }
  });

  it("beyond a quarter of the least RTT is learned from DSACK", () => {
    const fate = (_segment: TcpSegment, count: number): number | true => (count % 200 === 199 ? 30 : true);
    const { copies, flow } = run(new Cubic(), LINE, { fate, fromMs: 0, untilMs: 60_000 });
    expect(copies).toBeGreaterThanOrEqual(2); // 30 ms are three quarters of 50 ms, less than three steps away
    expect(copies).toBeLessThan(10);
    expect(flow.sender.counters.sent / 200).toBeGreaterThan(400);
  });
});

describe("loss at the end and outages", () => {
  it("a lost last segment comes with the tail loss probe, not with the timer", () => {
    const last = 99;
    const result = run(new Cubic(), LINE, {
      bytes: 100 * 1448,
      fate: ({ sequence }, count) => sequence !== last || count > last,
      fromMs: 0,
    });
    expect(result.tailProbes).toBe(1);
    expect(result.timeouts).toBe(0);
    expect(result.doneMs).toBeLessThan(600);
  });

  it("a lost copy is found lost again without the timer", () => {
    const result = run(new Cubic(), LINE, {
      bytes: 3_000_000,
      fate: ({ sequence }, count) => sequence !== 500 || count > 800,
      fromMs: 0,
    });
    expect(result.doneMs).toBeLessThan(5_000);
    expect(result.resent).toBeGreaterThan(1);
    expect(result.timeouts).toBe(0);
  });

  it.each([new Cubic(), new Bbr()])("an outage of three seconds is waited for by doubling timeouts", (control) => {
    const result = run(control, { ...LINE, outages: [[8_000, 11_000]] }, { fromMs: 14_500, untilMs: 30_000 });
    expect(result.timeouts).toBeGreaterThanOrEqual(3);
    expect(result.timeouts).toBeLessThanOrEqual(5);
    expect(result.share).toBeGreaterThan(0.9);
  });
});

describe("both ends", () => {
  it("send what the receiver has room for, and acknowledge every second segment", () => {
    const { goodputKbps, flow } = run(new Cubic(), { delayMs: 50 }, { windowBytes: 100_000 });
    expect(goodputKbps).toBeGreaterThan((0.9 * 100_000 * 8) / 100);
    expect(goodputKbps).toBeLessThan((1.01 * 100_000 * 8) / 100);
    expect(flow.receiver.acksSent / flow.receiver.receivedSegments).toBeCloseTo(0.5, 1);
  });

  it("deliver every byte once, whatever the lines do to segments and acknowledgements", () => {
    const trouble = fc.record({
      delayMs: fc.integer({ min: 1, max: 40 }),
      pdvMs: fc.integer({ min: 0, max: 30 }),
      lossRatio: fc.double({ min: 0, max: 0.2, noNaN: true }),
      queueMs: fc.integer({ min: 5, max: 100 }),
      reorders: fc.boolean(),
    });
    fc.assert(
      fc.property(trouble, trouble, fc.integer(), fc.boolean(), (down, up, seed, isBbr) => {
        const bytes = 300_000 + (Math.abs(seed) % 1448);
        const line = { ...down, rateKbps: 10_000 };
        const control = isBbr ? new Bbr() : new Cubic();
        const { flow, doneMs } = run(control, line, { up, seed, bytes, fromMs: 0, untilMs: 600_000 });
        expect(doneMs).toBeLessThan(600_000);
        expect(flow.receiver.receivedBytes).toBe(bytes);
        expect(flow.sender.state.inflight).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("do the same again with the same seed", () => {
    const line = { ...LINE, pdvMs: 5, lossRatio: 0.002 };
    const [a, b, c] = [7, 7, 8].map((seed) => run(new Cubic(), line, { seed, untilMs: 8_000 }).goodputKbps);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });
});

describe("packets", () => {
  it("carry a connection through a tunnel that looks at them", () => {
    const packets = new TcpPackets({ address: "192.0.2.1", port: 443 }, { address: "10.200.0.2", port: 50_000 });
    const segment: TcpSegment = { kind: "data", sequence: 7, payloadBytes: 1448, sizeBytes: 1500, sentMs: 3 };
    const ack = { kind: "ack", acknowledged: 7, echoMs: 3, windowSegments: 99, duplicate: undefined } as const;
    const frames: TcpFrame[] = [
      segment,
      { ...ack, sacks: [], sizeBytes: 52 },
      { ...ack, sacks: [[9, 11]], sizeBytes: 64 },
    ];
    const view = new FrameView();
    for (const frame of frames) {
      const packet = packets.encode(frame);
      expect(packets.decode(packet.slice())).toBe(frame);
      expect(packets.decode(packet)).toBe(frame); // a duplicate
      view.parse(packet, 0, packet.length);
      expect(view.ipEnd - view.ipOffset).toBe(frame.sizeBytes);
      const ports = frame.kind === "data" ? [443, 50_000] : [50_000, 443];
      expect([view.sourcePort, view.destinationPort, view.tcpFlags]).toEqual([...ports, 0x10]);
      const tcpBytes = ((packet[view.l4Offset + 12] ?? 0) >> 4) * 4;
      expect(view.ipEnd - view.l4Offset - tcpBytes).toBe(frame.kind === "data" ? 1448 : 0);
    }
    const other = new TcpPackets({ address: "192.0.2.1", port: 443 }, { address: "10.200.0.2", port: 50_001 });
    expect(other.decode(packets.encode(segment))).toBeUndefined();
    expect(packets.decode(new Uint8Array(60))).toBeUndefined();
  });
});
