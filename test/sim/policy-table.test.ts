import { expect, it } from "vitest";
import type { PolicyName } from "../../packages/shared/src/bond/index.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import type { FlowReport } from "../support/sim-traffic.ts";
import { SimWorld } from "../support/sim-world.ts";

/**
 * A change of behaviour shows in this table before it shows in a household. Six flows of 50 frames a second and 1000 bytes,
 * three in each direction, for ten seconds; what happens, happens from second 3 to second 6.
 */
const POLICIES: PolicyName[] = ["none", "active-backup", "broadcast", "balance-rr", "balance-xor", "balance-aware"];
const FRAME_BYTES = 1000;

interface Scenario {
  readonly name: string;
  readonly links: readonly SimLinkOptions[];
  readonly from3sTo6s?: (world: SimWorld, isStart: boolean) => void;
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
    from3sTo6s: (world, isStart) => world.link(0).set({ blackholed: isStart }),
  },
  {
    name: "first line's RTT 2 s",
    links: lines([25, 25, 25], 10_000),
    from3sTo6s: (world, isStart) => world.link(0).set({ delayMs: isStart ? 1000 : 25 }),
  },
];

function run(policy: PolicyName, { links, from3sTo6s }: Scenario): FlowReport {
  const world = new SimWorld({ links: [links], policy }).run(5000);
  const untilMs = world.nowMs + 10_000;
  for (let i = 0; i < 6; i++) {
    const from = i % 2 === 0 ? world.client : world.concentrator;
    world.cbr({ from, framesPerSecond: 50, frameBytes: FRAME_BYTES, untilMs });
  }
  world.network.after(3000, () => from3sTo6s?.(world, true));
  world.network.after(6000, () => from3sTo6s?.(world, false));
  world.run(10_000).drain();
  return world.total();
}

function row(policy: PolicyName, scenario: Scenario): string {
  const { sent, delivered, p50Ms, p99Ms, reordered, duplicates, corrupted } = run(policy, scenario);
  expect({ duplicates, corrupted }).toEqual({ duplicates: 0, corrupted: 0 });
  const shown = [
    `${((100 * delivered) / sent).toFixed(1)} %`,
    (p50Ms ?? Number.NaN).toFixed(0),
    (p99Ms ?? Number.NaN).toFixed(0),
    reordered,
  ];
  return `${policy.padEnd(16)}${scenario.name.padEnd(32)}${shown.map((value) => String(value).padStart(10)).join("")}`;
}

it("is what every policy makes of every trouble", async () => {
  const head = `${"policy".padEnd(16)}${"lines".padEnd(32)}${["delivered", "p50 ms", "p99 ms", "reordered"].map((name) => name.padStart(10)).join("")}`;
  const rows = SCENARIOS.flatMap((scenario) => POLICIES.map((policy) => row(policy, scenario)));
  await expect(`${[head, ...rows].join("\n")}\n`).toMatchFileSnapshot("policy-table.txt");
});
