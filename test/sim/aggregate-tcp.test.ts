import { describe, expect, it } from "vitest";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { addressOf, SERVER, SimWorld } from "../support/sim-world.ts";
import { Bbr, Cubic, TcpFlow } from "../support/tcp-model.ts";
import { TcpPackets } from "../support/tcp-packets.ts";
import type { LineSettings } from "../support/virtual-line.ts";

const WARM_UP_MS = 4_000;
const END_MS = 10_000;
const PAUSE_MS = 3_000;
/** Outer IP, UDP, headers and tag; IP and TCP with time stamps. */
const TUNNEL_BYTES = 68;
const TCP_BYTES = 52;

function link(rateMbit: number, delayMs: number, more: Partial<LineSettings> = {}): SimLinkOptions {
  const line = { rateKbps: rateMbit * 1000, delayMs, queueBytes: 1_500_000, ...more };
  return { up: line, down: line };
}

/**
 * TCP connections from one server through the whole tunnel, one after the other, after two seconds of ping.
 *
 * @returns the last one's share of the goodput limit.
 */
function download(links: readonly SimLinkOptions[], ...controls: readonly (Cubic | Bbr)[]): number {
  const world = new SimWorld({ links: [links], policy: "aggregate" }).run(3000);
  for (const from of [world.client, world.concentrator]) {
    world.cbr({ from, framesPerSecond: 20, frameBytes: 98, untilMs: world.nowMs + 2000 });
  }
  world.run(2200);
  const shares = controls.map((control, index) => shareOf(world, links, control, 40_000 + index));
  return shares.at(-1) ?? Number.NaN;
}

function shareOf(world: SimWorld, links: readonly SimLinkOptions[], control: Cubic | Bbr, port: number): number {
  const mtu = world.client.innerMtu;
  const packets = new TcpPackets({ address: SERVER, port: 5201 }, { address: addressOf(0), port });
  let isOver = false;
  const flow = new TcpFlow(
    { control, mtu },
    {
      sendSegment: (segment) => isOver || world.concentrator.inject(packets.encode(segment)),
      sendAck: (ack) => isOver || world.client.inject(packets.encode(ack)),
    },
  );
  world.onFrame = (frame) => {
    const carried = packets.decode(frame);
    if (carried !== undefined) flow.onFrame(carried, world.nowMs);
    return carried !== undefined;
  };
  world.network.add(flow);
  flow.sender.open(world.nowMs);
  flow.sender.offer(Number.POSITIVE_INFINITY, world.nowMs);
  world.run(WARM_UP_MS);
  const before = flow.receiver.receivedBytes;
  world.run(END_MS - WARM_UP_MS);
  const received = flow.receiver.receivedBytes;
  isOver = true;
  world.run(PAUSE_MS);
  const rateKbps = links.reduce((sum, { down }) => sum + (down?.rateKbps ?? 0), 0);
  const limitKbps = (rateKbps * (mtu - TCP_BYTES)) / (mtu + TUNNEL_BYTES);
  return ((received - before) * 8) / (END_MS - WARM_UP_MS) / limitKbps;
}

/** @returns parity by frames sent for the first time, downwards, while the world runs for so long. */
function paritySince(world: SimWorld, ms: number): number {
  const count = () => {
    const members = world.concentrator.snapshot().peers[0]?.members ?? [];
    const counters = members.map(({ aggregate }) => aggregate?.counters);
    const sum = (key: "parityFrames" | "firstFrames") =>
      counters.reduce((total, each) => total + (each?.[key] ?? 0), 0);
    return { parity: sum("parityFrames"), first: sum("firstFrames") };
  };
  const before = count();
  world.run(ms);
  const after = count();
  return (after.parity - before.parity) / (after.first - before.first);
}

/** Bounds are below what was measured by what another draw of the lots may cost. */
describe("one TCP connection through the tunnel", () => {
  it.each([
    ["2 × 50 Mbit/s 20 ms", [link(50, 20), link(50, 20)], 0.98, 0.98],
    ["50 Mbit/s 20 ms + 50 Mbit/s 40 ms", [link(50, 20), link(50, 40)], 0.97, 0.95],
    ["100 Mbit/s 20 ms + 8 Mbit/s 60 ms", [link(100, 20), link(8, 60)], 0.97, 0.95],
    ["2 × 50 Mbit/s 20 ± 5 ms", [link(50, 20, { pdvMs: 5 }), link(50, 20, { pdvMs: 5 })], 0.92, 0.85],
    [
      "2 × 50 Mbit/s 20 ± 20 ms, reordering",
      [link(50, 20, { pdvMs: 20, reorders: true }), link(50, 20, { pdvMs: 20, reorders: true })],
      0.5,
      0.6,
    ],
    [
      "2 × 50 Mbit/s 20 ms, 2 % lost",
      [link(50, 20, { lossRatio: 0.02 }), link(50, 20, { lossRatio: 0.02 })],
      0.6,
      0.85,
    ],
  ])(
    "fills %s, with cubic and with BBR",
    (_name, links, cubic, bbr) => {
      expect(download(links, new Cubic())).toBeGreaterThan(cubic);
      expect(download(links, new Bbr())).toBeGreaterThan(bbr);
    },
    60_000,
  );

  it("fills lines of very different delay from a server that has filled the faster before, though its window knows that one's", () => {
    const links = [link(50, 20), link(50, 120)];
    expect(download(links, new Bbr())).toBeLessThan(0.6);
    expect(download(links, new Bbr(), new Bbr())).toBeGreaterThan(0.9);
    expect(download(links, new Bbr(), new Cubic())).toBeGreaterThan(0.9);
  }, 60_000);

  it("has parity on lossy lines while it begins, and hardly any when it has long filled them: 3 % more for itself", () => {
    const lossy = { lossRatio: 0.005 };
    const world = new SimWorld({ links: [[link(20, 50, lossy), link(20, 60, lossy)]], policy: "aggregate" }).run(3000);
    world.cbr({ from: world.concentrator, framesPerSecond: 800, frameBytes: 1400, untilMs: world.nowMs + 6000 });
    world.run(7000);
    const connection = world.download(new Cubic());
    expect(paritySince(world, 1500)).toBeGreaterThan(0.02);
    world.run(3000);
    expect(paritySince(world, 4000)).toBeLessThan(0.015);
    expect(connection.flow.receiver.receivedBytes).toBeGreaterThan(10_000_000);
  }, 60_000);

  it("takes as long for its handshake as for its data, where the lines vary: BBR would hold back for what was faster", () => {
    const line = link(50, 20, { pdvMs: 20, reorders: true });
    const world = new SimWorld({ links: [[line, line]], policy: "aggregate" }).run(3000);
    for (const from of [world.client, world.concentrator]) world.cbr({ from, framesPerSecond: 20, frameBytes: 98 });
    world.run(5000);
    const leastMs = Array.from({ length: 10 }, () => {
      const control = new Bbr();
      const connection = world.download(control);
      connection.flow.sender.offer(0, world.nowMs);
      while (!Number.isFinite(control.minRttMs)) world.run(1);
      return control.minRttMs;
    });
    expect(Math.min(...leastMs)).toBeGreaterThan(100);
  });

  it("waits for what is sent again as long as that takes, where the delay varies", () => {
    const congested = { lossRatio: 0.02, reorders: true };
    const lines = [link(20, 50, { ...congested, pdvMs: 20 }), link(15, 60, { ...congested, pdvMs: 25 })];
    const skipped = [2, 3].map((seed) => {
      const world = new SimWorld({ links: [lines], policy: "aggregate", seed }).run(3000);
      for (const from of [world.client, world.concentrator]) world.cbr({ from, framesPerSecond: 20, frameBytes: 98 });
      world.run(3000);
      const count = () => world.client.snapshot().peers[0]?.resequencer.lost ?? Number.NaN;
      const before = count();
      world.download(new Cubic());
      world.run(8000);
      return count() - before;
    });
    expect(skipped.reduce((sum, count) => sum + count)).toBeLessThan(10);
  });
});
