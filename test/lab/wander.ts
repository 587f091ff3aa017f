import type { LineEmulation } from "../support/emulator-settings.ts";
import { monotonicMs } from "../support/script.ts";
import type { Scenario } from "./scenarios.ts";

const STEP_MS = 500;
/** Each step multiplies the rate by up to this much, up or down. */
const STEP_FACTOR = 1.4;

/** Keeps the books on what the lines offered, and lets their rates wander if the scenario says so. */
export interface OfferedRates {
  /** Mean rate over a span of CLOCK_MONOTONIC. */
  meanKbps(line: number, direction: "down" | "up", span: { fromMs: number; toMs: number }): number;
  stop(): void;
}

/** A rate that holds from a moment on. */
export interface RateStep {
  readonly sinceMs: number;
  readonly rateKbps: number;
}

export function trackRates(scenario: Scenario, emulation: LineEmulation, random: () => number): OfferedRates {
  const { lines, wander } = scenario;
  const startMs = monotonicMs();
  const histories = lines.map((line) => [{ sinceMs: startMs, rateKbps: line.down.rateKbps }]);
  const step = () => {
    if (wander === undefined) return;
    for (const [index, history] of histories.entries()) {
      const rateKbps = nextRate(history.at(-1)?.rateKbps ?? wander.toKbps, wander, random());
      history.push({ sinceMs: monotonicMs(), rateKbps });
      // A change that comes after the emulation has stopped concerns nobody.
      emulation.set(index, { down: { rateKbps } }).catch(() => undefined);
    }
  };
  const timer = setInterval(step, STEP_MS).unref();
  return {
    meanKbps(line, direction, span) {
      if (direction === "up") return lines[line]?.up.rateKbps ?? 0;
      return meanRate(histories[line] ?? [], span);
    },
    stop: () => clearInterval(timer),
  };
}

/** @param draw in [0, 1). */
export function nextRate(rateKbps: number, limits: { fromKbps: number; toKbps: number }, draw: number): number {
  const wandered = rateKbps * STEP_FACTOR ** (2 * draw - 1);
  return Math.round(Math.min(limits.toKbps, Math.max(limits.fromKbps, wandered)));
}

/** @param steps in the order of time; the first holds before its moment, too. */
export function meanRate(steps: readonly RateStep[], span: { fromMs: number; toMs: number }): number {
  let sum = 0;
  for (const [index, step] of steps.entries()) {
    const fromMs = index === 0 ? span.fromMs : Math.max(span.fromMs, step.sinceMs);
    const toMs = Math.min(span.toMs, steps[index + 1]?.sinceMs ?? span.toMs);
    if (toMs > fromMs) sum += step.rateKbps * (toMs - fromMs);
  }
  return sum / (span.toMs - span.fromMs);
}
