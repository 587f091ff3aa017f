/**
 * Units are suffixes of names: `rttMs`, `ageUs`, `rateKbps` (1 kbit = 1000 bit), `sizeBytes`, `plrRatio` (0..1).
 *
 * Time is monotonic and passed in as `nowMs` (a double; CLOCK_MONOTONIC of this host). Only io/ and main programs read
 * a clock. Unknown is NaN in numeric hot state and null in JSON, never 0 or -1.
 */

/** Draws numbers in [0, 1). Core logic takes it as an argument so that a seed repeats a run. */
export type Random = () => number;
