const BIN_MS = 100;
const BINS = 128;
const MASK = BINS - 1;
/** Pairs of steps that a verdict needs: 4 s of both paths' load within the last 13 s. */
const LEAST_STEPS = 40;
/** A delay that hardly moves says nothing. */
const LEAST_DEVIATION_MS = 0.4;
const SHARED_FROM = 0.6;
const SEPARATE_BELOW = 0.3;
/** Looks that must agree, about one a second. */
const AGREEING_LOOKS = 4;
const MOST_PATHS = 30;

/**
 * Finds paths that share one bottleneck: two SIMs on one tower, two tunnels over one cable.
 *
 * RFC 8382 compares summary statistics of one-way delay (skew, variability, frequency), for senders that see one flow
 * each. We see all paths of a host with one clock, so their delays are compared step by step: in one queue they rise
 * and fall together. Only delays under our own full load count, and not those of the dips, which all paths make at once.
 * The least delay of each 100 ms is taken, so that a stall of either host, which delays everything, does not enter.
 */
export class SharedBottleneck {
  readonly #delays: Float64Array[] = [];
  readonly #bins: Float64Array[] = [];
  /** Looks in a row that found the pair shared (> 0) or separate (< 0), and whether it counts as shared. */
  readonly #looks = new Int8Array(MOST_PATHS * MOST_PATHS);
  readonly #shared = new Uint8Array(MOST_PATHS * MOST_PATHS);

  constructor() {
    for (let path = 0; path < MOST_PATHS; path++) {
      this.#delays.push(new Float64Array(BINS));
      this.#bins.push(new Float64Array(BINS).fill(Number.NaN));
    }
  }

  /** @param owdMs of the fastest datagram of a report; only while the controller says that the path is telling. */
  addSample(path: number, owdMs: number, nowMs: number): void {
    const bin = Math.floor(nowMs / BIN_MS);
    const delays = this.#delays[path];
    const bins = this.#bins[path];
    if (delays === undefined || bins === undefined) return;
    const at = bin & MASK;
    if (bins[at] === bin) delays[at] = Math.min(delays[at] ?? owdMs, owdMs);
    else {
      bins[at] = bin;
      delays[at] = owdMs;
    }
  }

  /** Call about once a second. @returns whether any pair changed. */
  look(paths: readonly number[], nowMs: number): boolean {
    let changed = false;
    for (let i = 0; i < paths.length; i++) {
      for (let j = i + 1; j < paths.length; j++) {
        if (this.#lookAt(paths[i] ?? 0, paths[j] ?? 0, nowMs)) changed = true;
      }
    }
    return changed;
  }

  /** @returns how many of these paths share the bottleneck of this one, itself included: directly or through another. */
  countFor(path: number, paths: readonly number[]): number {
    let group = 1 << path;
    for (let before = 0; before !== group; ) {
      before = group;
      for (const other of paths) if (this.#touches(other, group, paths)) group |= 1 << other;
    }
    let count = 0;
    for (const other of paths) if ((group & (1 << other)) !== 0) count++;
    return Math.max(1, count);
  }

  isShared(a: number, b: number): boolean {
    return this.#shared[pair(a, b)] === 1;
  }

  /** @returns correlation of the steps of both delays lately, -1..1; NaN: too little to compare. */
  correlation(a: number, b: number, nowMs: number): number {
    const last = Math.floor(nowMs / BIN_MS) - 1;
    let count = 0;
    let sumA = 0;
    let sumB = 0;
    let squaresA = 0;
    let squaresB = 0;
    let products = 0;
    for (let bin = last; bin > last - BINS + 2; bin--) {
      const stepA = this.#step(a, bin);
      const stepB = this.#step(b, bin);
      if (Number.isNaN(stepA + stepB)) continue;
      count++;
      sumA += stepA;
      sumB += stepB;
      squaresA += stepA * stepA;
      squaresB += stepB * stepB;
      products += stepA * stepB;
    }
    if (count < LEAST_STEPS) return Number.NaN;
    const varianceA = squaresA / count - (sumA / count) ** 2;
    const varianceB = squaresB / count - (sumB / count) ** 2;
    if (Math.min(varianceA, varianceB) < LEAST_DEVIATION_MS ** 2) return Number.NaN;
    return (products / count - (sumA / count) * (sumB / count)) / Math.sqrt(varianceA * varianceB);
  }

  /** From one bin to the next. */
  #step(path: number, bin: number): number {
    const bins = this.#bins[path];
    const delays = this.#delays[path];
    if (bins === undefined || delays === undefined) return Number.NaN;
    const at = bin & MASK;
    const before = (bin - 1) & MASK;
    if (bins[at] !== bin || bins[before] !== bin - 1) return Number.NaN;
    return (delays[at] ?? Number.NaN) - (delays[before] ?? Number.NaN);
  }

  #lookAt(a: number, b: number, nowMs: number): boolean {
    const correlation = this.correlation(a, b, nowMs);
    const at = pair(a, b);
    const looks = this.#looks[at] ?? 0;
    if (correlation > SHARED_FROM) this.#looks[at] = Math.min(AGREEING_LOOKS, Math.max(0, looks) + 1);
    else if (correlation < SEPARATE_BELOW) this.#looks[at] = Math.max(-AGREEING_LOOKS, Math.min(0, looks) - 1);
    const before = this.#shared[at];
    if (this.#looks[at] === AGREEING_LOOKS) this.#shared[at] = 1;
    else if (this.#looks[at] === -AGREEING_LOOKS) this.#shared[at] = 0;
    return this.#shared[at] !== before;
  }

  #touches(path: number, group: number, paths: readonly number[]): boolean {
    for (const other of paths) if ((group & (1 << other)) !== 0 && this.isShared(path, other)) return true;
    return false;
  }
}

function pair(a: number, b: number): number {
  return a < b ? a * MOST_PATHS + b : b * MOST_PATHS + a;
}
