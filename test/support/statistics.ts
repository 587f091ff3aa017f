/** Nearest-rank quantile of values sorted upwards, 0 <= q <= 1; null when there are none. */
export function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? null;
}
