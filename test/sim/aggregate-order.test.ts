import { describe, expect, it } from "vitest";
import type { BondSettings } from "../../packages/shared/src/bond/index.ts";
import { FrameView, flowNumber, slotOfFlow } from "../../packages/shared/src/packet/index.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { SimFlow } from "../support/sim-traffic.ts";
import { addressOf, SERVER, SimWorld } from "../support/sim-world.ts";

/** What a QUIC receiver takes for lost: a packet that this many later ones have overtaken (RFC 9002 section 6.1.1). */
const PACKET_THRESHOLD = 3;

function line(rateKbps: number, delayMs: number, more: object = {}): SimLinkOptions {
  return { up: { rateKbps, delayMs, ...more }, down: { rateKbps, delayMs, ...more } };
}

const UNEQUAL = [line(40_000, 15), line(20_000, 35), line(10_000, 90)];
const SHAKY = [
  line(40_000, 30, { pdvMs: 5, lossRatio: 0.005, reorders: true }),
  line(25_000, 45, { pdvMs: 8, lossRatio: 0.005, reorders: true }),
];

/** One flow of full packets at about nine tenths of the lines, as a QUIC download paces itself. */
function download(links: readonly SimLinkOptions[], framesPerSecond: number, settings: Partial<BondSettings> = {}) {
  const world = new SimWorld({ links: [links], policy: "aggregate", settings }).run(3000);
  const untilMs = world.nowMs + 8000;
  const flow = world.cbr({ from: world.concentrator, framesPerSecond, frameBytes: 1300, untilMs });
  world.run(8000).drain();
  return { world, flow };
}

/** Frames that a receiver with a packet threshold takes for lost although they come. */
function spuriousLosses(flow: SimFlow): number {
  const order = [...flow.trace.entries()].filter(([, atMs]) => atMs !== undefined).sort((a, b) => a[1] - b[1]);
  const seen = new Uint8Array(flow.sent);
  let largest = -1;
  let lowest = 0;
  const lost = new Set<number>();
  for (const [sequence] of order) {
    seen[sequence] = 1;
    largest = Math.max(largest, sequence);
    while (seen[lowest] === 1) lowest++;
    for (let i = lowest; i <= largest - PACKET_THRESHOLD; i++) if (seen[i] !== 1) lost.add(i);
  }
  return [...lost].filter((sequence) => flow.trace[sequence] !== undefined).length;
}

describe("a receiver that takes three packets out of order for a loss", () => {
  it.each([
    ["40/15 + 20/35 + 10/90 ms", UNEQUAL, 5500],
    ["the same, a third of the load", UNEQUAL, 1800],
    ["40/30 ± 5 + 25/45 ± 8 ms, reordering, 0.5 % lost", SHAKY, 4500],
  ])("sees next to none over %s", (_name, links, framesPerSecond) => {
    const { flow } = download(links, framesPerSecond);
    const { sent, delivered, duplicates } = flow.report();
    expect(delivered / sent).toBeGreaterThan(0.995);
    expect(duplicates).toBe(0);
    expect(spuriousLosses(flow)).toBeLessThanOrEqual(sent / 10_000);
  });
});

describe('resequencing = "off"', () => {
  it("hands every frame on as it comes, each once", () => {
    const { flow, world } = download(UNEQUAL, 5000, { resequencing: "off" });
    const { sent, delivered, duplicates, reordered } = flow.report();
    expect(delivered).toBe(sent);
    expect(duplicates).toBe(0);
    expect(reordered).toBeGreaterThan(sent / 100);
    expect(world.client.snapshot().peers[0]?.resequencer.held).toBe(0);
    // The next slow frame holds nobody up: those of the fastest line take no longer than that line.
    expect(flow.report().p50Ms).toBeLessThan(40);
  });
});

describe("a call that shares its flow slot with a download", () => {
  const numberOf = (sourcePort: number) => {
    const frame = new SimFlow(0, { source: SERVER, destination: addressOf(0), sourcePort, destinationPort: 9 }).next(0);
    const view = new FrameView();
    view.parse(frame, 0, frame.length);
    return flowNumber(view);
  };

  it("does not wait behind it", () => {
    const transfer = numberOf(1);
    const isShared = (port: number) =>
      slotOfFlow(numberOf(port)) === slotOfFlow(transfer) && numberOf(port) !== transfer;
    const callPort = Array.from({ length: 10_000 }, (_, port) => port + 2).find(isShared) ?? 0;
    const links = [line(20_000, 25), line(10_000, 40)];
    const world = new SimWorld({ links: [links], policy: "aggregate" }).run(3000);
    const down = { from: world.concentrator, destinationPort: 9 };
    // Half as much again as the lines carry.
    world.cbr({ ...down, sourcePort: 1, framesPerSecond: 4300, frameBytes: 1300 });
    world.run(1000);
    const call = world.cbr({ ...down, sourcePort: callPort, framesPerSecond: 50 });
    world.run(5000);
    const { sent, delivered, p99Ms } = call.report();
    expect(delivered).toBeGreaterThan(sent - 5);
    expect(p99Ms).toBeLessThan(25 + 25);
  });
});
