import type { DirectionCapacity, LineMeasurement } from "../../control/index.ts";
import type { Check } from "../facts.ts";
import { about, type Finding } from "../finding.ts";

/** A full line has a queue; one that loses this much more than when it is quiet, without any, is cut by a policer. */
const POLICED = { lossRatio: 0.15, queueMs: 4 } as const;
/** A line may be a little slower than its contract. */
const EXPECTED_RATIO = 0.7;
/** Calls suffer from a queue that takes longer to drain. */
const BLOATED_MS = 200;

/** What each uplink carries, and whether UDP is throttled on it. */
export const checkCapacity: Check = ({ lines, plan }) =>
  (lines ?? [])
    .filter(({ answers }) => answers)
    .flatMap((line) => capacityOf(line, plan.uplinks.find(({ name }) => name === line.name)?.speedKbps ?? null));

/** @param speedKbps what the configuration says of the way out. */
function capacityOf(line: LineMeasurement, speedKbps: number | null): Finding[] {
  const say = about("capacity", line.name);
  if (line.capacity === null) {
    return line.metered ? [say.note("not measured: the line is metered, every byte costs")] : [];
  }
  const { up, down } = line.capacity;
  const text = `down ${rateText(down)}, up ${rateText(up)}`;
  const quietLossRatio = quietLossOf(line);
  const throttled = [down, up].filter((each) => each !== null && isPoliced(each, quietLossRatio));
  if (throttled.length > 0) {
    const at = throttled.map((each) => `${mbit(each?.kbps ?? 0)} Mbit/s`).join(" and ");
    const found = `${text}; beyond ${at} datagrams are dropped without a queue building up: the rate of UDP, or of the line, is limited by a policer`;
    return [
      say.warning(found, "If TCP is faster on this line, its provider throttles UDP: ask it, or take another line."),
    ];
  }
  if (speedKbps !== null && up?.saturated === true && up.kbps < EXPECTED_RATIO * speedKbps) {
    const found = `${text}; speed = ${speedKbps / 1000} is configured for it: the line is slower, or its provider slows UDP down`;
    return [say.warning(found, "Compare with a TCP speed test over this line; correct speed, or ask its provider.")];
  }
  const bloated = Math.max(down?.queueMs ?? 0, up?.queueMs ?? 0);
  if (bloated > BLOATED_MS) {
    return [
      say.note(
        `${text}; full, its queue takes ${Math.round(bloated)} ms`,
        'The policy "aggregate" keeps that queue short; others fill it.',
      ),
    ];
  }
  return [say.ok(text)];
}

function isPoliced({ saturated, lossRatio, queueMs }: DirectionCapacity, quietLossRatio: number): boolean {
  return saturated && lossRatio > POLICED.lossRatio + quietLossRatio && queueMs !== null && queueMs < POLICED.queueMs;
}

/** What the line loses anyway: of round trips, so at least what either direction does. */
function quietLossOf({ roundTrips }: LineMeasurement): number {
  return roundTrips === null || roundTrips.sent === 0 ? 0 : 1 - roundTrips.answered / roundTrips.sent;
}

function rateText(direction: DirectionCapacity | null): string {
  if (direction === null) return "unknown";
  return `${direction.saturated ? "" : ">= "}${mbit(direction.kbps)} Mbit/s`;
}

function mbit(kbps: number): string {
  return (kbps / 1000).toFixed(kbps >= 100_000 ? 0 : 1);
}
