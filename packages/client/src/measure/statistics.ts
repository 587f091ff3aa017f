import type { LineMeasurement } from "@wanbond/shared/control";

export type RoundTrips = NonNullable<LineMeasurement["roundTrips"]>;

/** @param rttsMs of those that were answered, in any order. */
export function roundTripFigures(sent: number, rttsMs: readonly number[]): RoundTrips {
  const sorted = [...rttsMs].sort((a, b) => a - b);
  const minMs = sorted[0] ?? null;
  const p95Ms = quantile(sorted, 0.95);
  return {
    sent,
    answered: sorted.length,
    minMs,
    medianMs: quantile(sorted, 0.5),
    p95Ms,
    pdvMs: minMs === null || p95Ms === null ? null : p95Ms - minMs,
  };
}

/** The smallest value that this share of the values does not exceed. @param sorted ascending. */
function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
