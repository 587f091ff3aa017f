import { expect, it } from "vitest";
import type { PolicyName } from "../../packages/shared/src/bond/index.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import type { FlowReport } from "../support/sim-traffic.ts";
import { SimWorld } from "../support/sim-world.ts";

/**
 * A change of behaviour shows in this table before it shows in a household. Six flows of 50 frames a second and 1000 bytes,
 * three in each direction, for seven seconds; what happens, happens from second 2 to second 5. Figures are rounded, so that a
 * datagram more or less does not show.
 */
const POLICIES: PolicyName[] = [
  "none",
  "active-backup",
  "broadcast",
  "balance-rr",
  "balance-xor",
  "balance-aware",
  "aggregate",
];
const FRAME_BYTES = 1000;
const TRAFFIC_MS = 7000;

interface Scenario {
  readonly name: string;
  readonly links: readonly SimLinkOptions[];
  readonly from2sTo5s?: (world: SimWorld, isStart: boolean) => void;
}

function lines(delaysMs: readonly number[], rateKbps: number, more: object = {}): SimLinkOptions[] {
  return delaysMs.map((delayMs) => {
    const line = { rateKbps, delayMs, queueMs: 300, ...more };
    return { up: line, down: line };
  });
}

const LOW_RATES: SimLinkOptions[] = [1200, 600, 400].map((rateKbps) => {
  const line = { rateKbps, delayMs: 30, queueMs: 300 };
  return { up: line, down: line };
});

const SCENARIOS: Scenario[] = [
  { name: "25, 60, 120 ms", links: lines([25, 60, 120], 10_000) },
  { name: "and PDV", links: lines([25, 60, 120], 10_000, { pdvMs: 10 }) },
  { name: "reordering lines", links: lines([40, 40, 40], 10_000, { pdvMs: 10, reorders: true }) },
  { name: "2 % loss", links: lines([40, 40, 40], 10_000, { lossRatio: 0.02 }) },
  { name: "load 60 % of 1.2 + 0.6 + 0.4", links: LOW_RATES },
  {
    name: "first line cut",
    links: lines([25, 25, 25], 10_000),
    from2sTo5s: (world, isStart) => world.link(0).set({ blackholed: isStart }),
  },
  {
    name: "first line's RTT 2 s",
    links: lines([25, 25, 25], 10_000),
    from2sTo5s: (world, isStart) => world.link(0).set({ delayMs: isStart ? 1000 : 25 }),
  },
];

function run(policy: PolicyName, { links, from2sTo5s }: Scenario): FlowReport {
  const world = new SimWorld({ links: [links], policy }).run(3000);
  world.network.after(2000, () => from2sTo5s?.(world, true));
  world.network.after(5000, () => from2sTo5s?.(world, false));
  return crowd(world, TRAFFIC_MS).total();
}

/** Six flows for so long. */
function crowd(world: SimWorld, durationMs: number): SimWorld {
  const untilMs = world.nowMs + durationMs;
  for (let i = 0; i < 6; i++) {
    const from = i % 2 === 0 ? world.client : world.concentrator;
    world.cbr({ from, framesPerSecond: 50, frameBytes: FRAME_BYTES, untilMs });
  }
  return world.run(durationMs).drain();
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(0)} %`;
}

function tens(ms: number | null): string {
  return ms === null ? "-" : String(Math.round(ms / 10) * 10);
}

function row(policy: PolicyName, scenario: Scenario): string {
  const { sent, delivered, p50Ms, p99Ms, reordered, duplicates, corrupted } = run(policy, scenario);
  expect({ duplicates, corrupted }).toEqual({ duplicates: 0, corrupted: 0 });
  const shown = [percent(delivered / sent), tens(p50Ms), tens(p99Ms), percent(reordered / delivered)];
  return `${policy.padEnd(16)}${scenario.name.padEnd(32)}${shown.map((value) => String(value).padStart(10)).join("")}`;
}

it("is what every policy makes of every trouble", async () => {
  const head = `${"policy".padEnd(16)}${"lines".padEnd(32)}${["delivered", "p50 ms", "p99 ms", "reordered"].map((name) => name.padStart(10)).join("")}`;
  const rows = SCENARIOS.flatMap((scenario) => POLICIES.map((policy) => row(policy, scenario)));
  await expect(`${[head, ...rows].join("\n")}\n`).toMatchFileSnapshot("policy-table.txt");
});

it("repairs what aggregate loses within two round trips, all but one frame in a hundred", () => {
  const [lossy] = SCENARIOS.filter(({ name }) => name === "2 % loss");
  const world = new SimWorld({ links: [lossy?.links ?? []], policy: "aggregate" });
  // Until what was saved up for parity is spent.
  const report = crowd(world.run(3000), 4 * TRAFFIC_MS).total();
  expect(report.delivered).toBe(report.sent);
  expect(report.p99Ms).toBeLessThan(160);
  const members = [world.client, world.concentrator].flatMap((end) => end.snapshot().peers[0]?.members ?? []);
  const sum = (key: "firstBytes" | "retransmittedBytes" | "parityBytes") =>
    members.reduce((bytes, { aggregate }) => bytes + (aggregate?.counters[key] ?? 0), 0);
  expect((sum("parityBytes") + sum("retransmittedBytes")) / sum("firstBytes")).toBeLessThan(0.16);
});
