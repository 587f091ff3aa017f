import type { LineSettings } from "../support/emulator-settings.ts";
import type { Direction } from "./result.ts";
import type { Scenario } from "./scenarios.ts";

/** The policy that has figures to reach. */
export const POLICY_WITH_TARGETS = "aggregate";

/** What one TCP connection is to reach of the goodput limit, which does not know of losses; 0..1. */
const SHARE: Readonly<Record<string, number>> = {
  equal3: 0.97,
  article3g: 0.95,
  asym: 0.95,
  wild: 0.97,
  "fiber-cable": 0.97,
  baseline: 0.97,
  rtt_40: 0.97,
  rtt_70: 0.97,
  rtt_120: 0.97,
  rtt_320: 0.92,
  jit_5: 0.95,
  jit_20: 0.95,
  loss_05: 0.95,
  loss_2: 0.93,
  bw_4to1: 0.97,
  bw_10to1: 0.97,
  dual_lte: 0.95,
  fiber_lte: 0.95,
  lte_starlink: 0.95,
  lte_geo: 0.93,
  congested: 0.88,
};

/** Never less than what the better line gives without wanbond. */
export const TO_BETTER_LINE = 1;
/** Ping beside one TCP connection: above the idle round trip of the best line, and for its PDV, one way. */
const PING_OVER_IDLE_MS = 20;
const PING_PER_PDV = 2;
/** Bytes sent more than once: of lines without loss, and of others above their loss. */
const REDUNDANCY_CLEAN = 0.05;
const REDUNDANCY_LOSSY = 0.03;

/** The longest silence of a call when its line dies, and when TCP has 80 % of the other lines, and again of the sum. */
export const CUT_GAP_MS = 60;
export const CUT_RECOVERED_MS = 200;
export const CUT_RETURNED_MS = 2500;
/** Of the stable lines while one flaps. */
export const FLAP_SHARE = 0.9;
/** A download from an idle bond, to what an ideal line of the sum needs. */
export const START_TO_IDEAL = 1.3;

/** @returns null for a scenario of which nothing is said. */
export function shareToReach({ name }: Scenario): number | null {
  return SHARE[name] ?? null;
}

/** @param idleMs round trip of the best line; undefined: as the scenario has it. */
export function pingToReach({ lines }: Scenario, direction: Direction, idleMs?: number): number {
  const best = lines.reduce((least, line) => (line.down.delayMs < least.down.delayMs ? line : least));
  const nominalMs = best.down.delayMs + best.up.delayMs;
  return (idleMs ?? nominalMs) + PING_OVER_IDLE_MS + PING_PER_PDV * best[direction].pdvMs;
}

export function redundancyToReach({ lines }: Scenario, direction: Direction): number {
  const lossRatio = meanLoss(lines, direction);
  return lossRatio > 0 ? REDUNDANCY_LOSSY + lossRatio : REDUNDANCY_CLEAN;
}

/** Of the lines together, by their rates. */
function meanLoss(lines: readonly LineSettings[], direction: Direction): number {
  const sum = (of: (line: LineSettings) => number) => lines.reduce((total, line) => total + of(line), 0);
  return sum((line) => line[direction].rateKbps * line[direction].lossRatio) / sum((line) => line[direction].rateKbps);
}
