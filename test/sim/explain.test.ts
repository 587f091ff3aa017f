import { describe, expect, it } from "vitest";
import { defaultBondSettings } from "../../packages/shared/src/bond/index.ts";
import { explainMembers } from "../../packages/shared/src/control/explain-members.ts";
import { StatusSnapshot, type StatusSource, whyText } from "../../packages/shared/src/control/index.ts";
import { bondStatus, memberHistory } from "../../packages/shared/src/runtime/index.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { SimWorld } from "../support/sim-world.ts";

/** More than the lines carry together. */
const DOWNLOAD = { framesPerSecond: 6000, frameBytes: 1400 };
const OUTAGE_MS = [9_000, 11_000] as const;

/** Down 30 and 20 Mbit/s; the second line is dead for two seconds. A third one adds a quarter of a second. */
const LINKS: SimLinkOptions[] = [
  { up: { rateKbps: 10_000, delayMs: 12 }, down: { rateKbps: 30_000, delayMs: 12 } },
  {
    up: { rateKbps: 5_000, delayMs: 30, outages: [OUTAGE_MS] },
    down: { rateKbps: 20_000, delayMs: 30, outages: [OUTAGE_MS] },
  },
  { up: { rateKbps: 5_000, delayMs: 250 }, down: { rateKbps: 10_000, delayMs: 250 } },
];

/** What the concentrator's main thread would answer from. */
function sourceOf(world: SimWorld): StatusSource {
  const settings = defaultBondSettings("aggregate");
  const nothing = { device: null, local: null };
  const { drops, peers } = world.concentrator.snapshot();
  const status: StatusSnapshot = {
    version: 1,
    role: "concentrator",
    pid: 1,
    uptimeMs: world.nowMs,
    tap: "wb0",
    drops: { ...drops },
    bonds: [bondStatus("home1", settings, [], peers[0], () => nothing)],
    fallback: null,
  };
  return {
    // As it comes out of the socket.
    read: () => StatusSnapshot.parse(JSON.parse(JSON.stringify(status))),
    history: async (_peer, path) => memberHistory(world.concentrator.history(0, path), world.nowMs),
  };
}

describe("an aggregate bond that was overloaded, and lost a line for a while, explains itself", () => {
  const world = new SimWorld({ links: [LINKS], policy: "aggregate" }).run(2000);
  world.cbr({ from: world.concentrator, ...DOWNLOAD });
  world.run(13_000);
  const source = sourceOf(world);

  it("in its status: how each member is used, and the queue", async () => {
    const [bond] = (await source.read()).bonds;
    const [first, second, third] = (bond?.members ?? []).map(({ aggregate }) => aggregate);
    expect(first).toMatchObject({ state: "in-use", phase: expect.stringMatching(/^[a-z]+$/) });
    expect(first?.rateKbps).toBeGreaterThan(28_000);
    expect(first?.rateKbps).toBeLessThan(32_000);
    expect(first?.windowBytes).toBeGreaterThan(first?.inflightBytes ?? Number.POSITIVE_INFINITY);
    expect(first?.queueMs).toBeGreaterThan(0);
    expect((first?.shareRatio ?? 0) + (second?.shareRatio ?? 0) + (third?.shareRatio ?? 0)).toBeCloseTo(1, 5);
    // What was under way on the dead line was sent again on the others, and did arrive.
    expect(second?.reinjected).toBeGreaterThan(10);
    expect(second?.saved).toBeGreaterThanOrEqual((second?.reinjected ?? 0) - (second?.late ?? 0));
    expect((first?.retransmittedFrames ?? 0) + (third?.retransmittedFrames ?? 0)).toBeGreaterThanOrEqual(
      second?.reinjected ?? Number.POSITIVE_INFINITY,
    );
    expect(bond?.aggregate).toMatchObject({ usesFixedShares: false });
    expect(bond?.aggregate?.queue.packets).toBeGreaterThan(0);
    expect(bond?.aggregate?.keptBytes).toBeGreaterThan(0);
    const refused = Object.values(bond?.aggregate?.refusedFeedback ?? {});
    expect(refused.length).toBeGreaterThan(3);
    expect(refused.every((count) => count === 0)).toBe(true);
  });

  it("in its history: seconds that account for every frame, and what was decided", async () => {
    const [bond] = (await source.read()).bonds;
    for (const member of bond?.members ?? []) {
      const { seconds } = await source.history("home1", member.path);
      const counted = seconds.reduce((sum, { firstFrames }) => sum + firstFrames, 0);
      const sent = member.aggregate?.firstFrames ?? 0;
      expect(counted, member.name).toBeLessThanOrEqual(sent);
      expect(counted, member.name).toBeGreaterThanOrEqual(sent - DOWNLOAD.framesPerSecond);
    }
    const { seconds, events } = await source.history("home1", 1);
    const states = new Set(seconds.map(({ state }) => state));
    expect(states).toContain("unusable");
    const last = events.findLast(({ path, event }) => path === 1 && event !== "line-phase");
    expect(last?.event).toBe("path-suspect");
    expect(Number(last?.["oldestMs"])).toBeGreaterThan(Number(last?.["limitMs"]));
    const found = events.find(({ path, event }) => path === 1 && event === "line-phase");
    expect(found).toMatchObject({ from: "startup", to: "steady", changeCount: 1 });
    expect(found?.["rateKbps"]).toBeGreaterThan(17_000);
    expect(found?.["rateKbps"]).toBeLessThan(22_000);
    // There by this line, back by the best: 30 + 12 ms.
    expect(found?.["rttMinMs"]).toBeGreaterThan(42);
    expect(found?.["rttMinMs"]).toBeLessThan(45);
  });

  it("in sentences", async () => {
    const answer = await explainMembers(source, "isp2", []);
    const text = whyText(JSON.parse(JSON.stringify(answer)));
    expect(text).toMatch(/^isp2 to home1, aggregate: up for/);
    expect(text).toMatch(/silent: what was sent \d+ ms ago has not arrived/);
    expect(text).toMatch(/phase startup -> steady: the rate is known, .*; \d+\.\d\d Mbit\/s, loss 0\.\d+, queue \d/);
    expect(text).toContain("out of the bond");
    expect(text).not.toMatch(/NaN|undefined|null|Infinity|\[object/);
    // Fifteen seconds of which most are alike.
    expect(text.split("carried").length).toBeLessThan(10);
  });
});

it("a bond of another policy says nothing of all this", async () => {
  const world = new SimWorld({ links: [LINKS], policy: "balance-xor" }).run(2000);
  const { members, aggregate } = world.concentrator.snapshot().peers[0] ?? {};
  expect(aggregate).toBeNull();
  expect(members?.map((member) => member.aggregate)).toEqual([null, null, null]);
  expect(world.concentrator.history(0, 1)).toEqual({ seconds: [], events: [] });
  expect(world.concentrator.history(7, 1)).toEqual({ seconds: [], events: [] });
});
