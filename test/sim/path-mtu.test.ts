import { describe, expect, it } from "vitest";
import type { PolicyName } from "../../packages/shared/src/bond/index.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import type { SimFlow } from "../support/sim-traffic.ts";
import { SimWorld, type SimWorldOptions } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 25, queueMs: 300 };
/** What an IP packet carries beside its inner one in a routed bond: IP 20, UDP 8, headers 16 + 8, tag 16. */
const OVERHEAD_BYTES = 68;
const ETHERNET_BYTES = 14;

function lines(...mtus: readonly number[]): SimLinkOptions[] {
  return mtus.map((mtuBytes) => ({ up: LINE, down: LINE, mtuBytes }));
}

function traffic(world: SimWorld, frameBytes: number, durationMs = 5000, count = 6): SimFlow[] {
  const untilMs = world.nowMs + durationMs;
  const flows = Array.from({ length: count }, (_, i) =>
    world.cbr({ from: i % 2 === 0 ? world.client : world.concentrator, framesPerSecond: 50, untilMs, frameBytes }),
  );
  world.run(durationMs).drain();
  return flows;
}

function started(
  policy: PolicyName,
  links: readonly SimLinkOptions[],
  options: Partial<SimWorldOptions> = {},
): SimWorld {
  return new SimWorld({ links: [links], policy, ...options }).run(8000);
}

function bondMtus(world: SimWorld): number[] {
  return [world.client, world.concentrator].map((end) => end.snapshot().peers[0]?.mtu ?? 0);
}

function memberMtus(world: SimWorld): (number | null)[][] {
  return [world.client, world.concentrator].map((end) =>
    (end.snapshot().peers[0]?.members ?? []).map(({ mtu }) => mtu),
  );
}

describe("lines of 1500, 1400 and 1280 bytes", () => {
  it("are found out without a word from the net, and the bond is as wide as the narrowest", () => {
    const world = started("balance-xor", lines(1500, 1400, 1280));
    expect(memberMtus(world)).toEqual([
      [1500, 1400, 1280],
      [1500, 1400, 1280],
    ]);
    expect(bondMtus(world)).toEqual([1280 - OVERHEAD_BYTES, 1280 - OVERHEAD_BYTES]);
    expect(world.client.innerMtu).toBe(1280 - OVERHEAD_BYTES);
  });

  it.each(["balance-xor", "balance-rr", "broadcast", "active-backup"] as const)(
    "carry frames of full size with %s, whole or in parts",
    (policy) => {
      const world = started(policy, lines(1500, 1400, 1280));
      const innerBytes = [1280 - OVERHEAD_BYTES, 1280 - OVERHEAD_BYTES + 1, 1400 - OVERHEAD_BYTES, 1432, 1500];
      for (const inner of innerBytes) traffic(world, inner + ETHERNET_BYTES, 3000);
      const { sent } = world.total();
      expect(world.total()).toMatchObject({ delivered: sent, reordered: 0, duplicates: 0, corrupted: 0 });
      expect(world.drops()["malformed"] ?? 0).toBe(0);
    },
  );

  it("carry whole frames of a bridged bond, two VLAN tags and all", () => {
    const world = started("balance-rr", lines(1500, 1400, 1280), { mode: "bridged" });
    expect(bondMtus(world)[0]).toBe(1280 - OVERHEAD_BYTES - ETHERNET_BYTES);
    traffic(world, 1522);
    const { sent } = world.total();
    expect(world.total()).toMatchObject({ delivered: sent, reordered: 0, duplicates: 0, corrupted: 0 });
  });

  it("join what comes in parts over lines that reorder and lose", () => {
    const line = { ...LINE, pdvMs: 10, reorders: true, lossRatio: 0.03 };
    const links = lines(1280, 1280, 1280).map((link) => ({ ...link, up: line, down: line }));
    const world = started("balance-rr", links);
    traffic(world, 1446, 20_000);
    const { sent, delivered, duplicates, corrupted } = world.total();
    expect(delivered / sent).toBeGreaterThan(0.92);
    expect({ duplicates, corrupted }).toEqual({ duplicates: 0, corrupted: 0 });
    // Every frame that is missing was given up for a reason, once.
    world.run(10_000);
    const lostParts = world.links.flat().reduce((sum, { counters }) => sum + counters.lostData, 0);
    const { "fragment-refused": refused = 0, duplicate = 0, "too-old": tooOld = 0 } = world.drops();
    expect(sent - delivered).toBeLessThanOrEqual(lostParts + refused + duplicate + tooOld);
  });
});

describe("a line that becomes narrower under way", () => {
  it.each(["balance-xor", "balance-rr"] as const)("is found out by %s, and costs nothing afterwards", (policy) => {
    const world = started(policy, lines(1500, 1500, 1500));
    expect(bondMtus(world)).toEqual([1432, 1432]);
    const flows = Array.from({ length: 9 }, (_, i) =>
      world.cbr({ from: i % 2 === 0 ? world.client : world.concentrator, framesPerSecond: 50, frameBytes: 1400 }),
    );
    world.run(3000);
    world.link(1).mtuBytes = 1300;
    const changedMs = world.nowMs;
    world.run(25_000);
    const narrow = memberMtus(world).map((mtus) => mtus[1] ?? 0);
    expect(Math.max(...narrow)).toBeLessThanOrEqual(1300);
    expect(Math.min(...narrow)).toBeGreaterThanOrEqual(1280);
    for (const flow of flows) expect(flow.lostBetween(changedMs + 12_000, world.nowMs - 1000)).toBe(0);
    expect(world.total()).toMatchObject({ duplicates: 0, corrupted: 0 });
  });

  it("at our own device costs the one frame that is too long, and none of its batch", () => {
    const world = started("balance-xor", lines(1500));
    const options = { from: world.client, framesPerSecond: 1, untilMs: 0 };
    const [small, large] = [world.cbr(options), world.cbr({ ...options, frameBytes: 1446 })];
    world.link(0).deviceMtu = 1400;
    const smallFrames = Array.from({ length: 10 }, () => small.next(world.nowMs));
    world.client.inject(...smallFrames.slice(0, 5), large.next(world.nowMs), ...smallFrames.slice(5));
    world.run(1000);
    expect(small.delivered).toBe(10);
    world.client.inject(large.next(world.nowMs));
    world.run(1000);
    expect(large.delivered).toBe(1);
    // Beside the frame only probes of the new search.
    expect(Object.keys(world.client.drops())).toEqual(["message-too-big"]);
    expect(world.client.drops()["message-too-big"]).toBeLessThan(6);
  });

  it("at our own device is known from the first refusal", () => {
    const links = lines(1500, 1500, 1500);
    const world = started("balance-xor", [{ ...links[0], deviceMtu: 1400 }, ...links.slice(1)]);
    expect(memberMtus(world)[0]?.[0]).toBe(1400);
    traffic(world, 1446);
    const { sent } = world.total();
    expect(world.total()).toMatchObject({ delivered: sent, corrupted: 0 });
  });
});
