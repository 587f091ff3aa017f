import { type LineSettings, type LineTraits, line } from "../support/emulator-settings.ts";
import type { Scenario } from "./scenarios.ts";

const MBIT = 1000;
/** The queue of a netem qdisc: 1000 packets. */
const NETEM_QUEUE: LineTraits = { queueBytes: 1000 * 1500 };

function path(delayMs: number, rateMbit: number, traits: LineTraits = {}): LineSettings {
  return line(rateMbit * MBIT, rateMbit * MBIT, delayMs, { ...NETEM_QUEUE, ...traits });
}

function profile(name: string, description: string, a: LineSettings, b: LineSettings): Scenario {
  return { name, description, lines: [a, b] };
}

function rtt(delayMs: number): Scenario {
  return profile(`rtt_${delayMs}`, `50 Mbit/s 20 ms + 50 Mbit/s ${delayMs} ms`, path(20, 50), path(delayMs, 50));
}

function twice(name: string, description: string, make: () => LineSettings): Scenario {
  return profile(name, description, make(), make());
}

/**
 * Sixteen pairs of links as mqvpn publishes figures for them. Delays are one way, the same both ways; PDV is normally
 * distributed and keeps the order, but where reordering is named.
 */
export const PROFILES: readonly Scenario[] = [
  twice("baseline", "2 × 50 Mbit/s 20 ms", () => path(20, 50)),
  rtt(40),
  rtt(70),
  rtt(120),
  rtt(320),
  twice("jit_5", "2 × 50 Mbit/s 20 ± 5 ms", () => path(20, 50, { pdvMs: 5 })),
  twice("jit_20", "2 × 50 Mbit/s 20 ± 20 ms, reordering", () => path(20, 50, { pdvMs: 20, reorders: true })),
  twice("loss_05", "2 × 50 Mbit/s 20 ms, 0.5 % loss", () => path(20, 50, { lossRatio: 0.005 })),
  twice("loss_2", "2 × 50 Mbit/s 20 ms, 2 % loss", () => path(20, 50, { lossRatio: 0.02 })),
  profile("bw_4to1", "50 Mbit/s + 12 Mbit/s, 20 ms", path(20, 50), path(20, 12)),
  profile("bw_10to1", "100 Mbit/s + 10 Mbit/s, 20 ms", path(20, 100), path(20, 10)),
  profile(
    "dual_lte",
    "40 Mbit/s 30 ± 5 ms + 25 Mbit/s 45 ± 8 ms, 0.5 % loss, reordering",
    path(30, 40, { pdvMs: 5, lossRatio: 0.005, reorders: true }),
    path(45, 25, { pdvMs: 8, lossRatio: 0.005, reorders: true }),
  ),
  profile(
    "fiber_lte",
    "300 Mbit/s 8 ms + 30 Mbit/s 40 ± 8 ms with 0.5 % loss",
    path(8, 300),
    path(40, 30, { pdvMs: 8, lossRatio: 0.005 }),
  ),
  profile(
    "lte_starlink",
    "40 Mbit/s 35 ± 8 ms + 100 Mbit/s 50 ± 25 ms with 1 % loss",
    path(35, 40, { pdvMs: 8 }),
    path(50, 100, { pdvMs: 25, lossRatio: 0.01 }),
  ),
  profile(
    "lte_geo",
    "40 Mbit/s 35 ms + 20 Mbit/s 320 ± 20 ms with 0.5 % loss",
    path(35, 40),
    path(320, 20, { pdvMs: 20, lossRatio: 0.005 }),
  ),
  profile(
    "congested",
    "20 Mbit/s 50 ± 20 ms + 15 Mbit/s 60 ± 25 ms, 2 % loss, reordering",
    path(50, 20, { pdvMs: 20, lossRatio: 0.02, reorders: true }),
    path(60, 15, { pdvMs: 25, lossRatio: 0.02, reorders: true }),
  ),
];
