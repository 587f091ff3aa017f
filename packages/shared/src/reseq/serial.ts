import { SEQUENCE_MODULUS } from "../wire/index.ts";

/**
 * A sequence this far behind a reference counts as old, anything else as ahead of it. RFC 1982 would part the circle in
 * two halves; the old side is smaller here, as nothing is ever this late and a flow slot may jump far ahead after an outage.
 */
const BEHIND_RANGE = 0x100000;

/** @returns how far `sequence` is ahead of `reference` in u24 arithmetic; negative: behind, by at most 2^20. */
export function sequenceDistance(sequence: number, reference: number): number {
  const ahead = (sequence - reference) & (SEQUENCE_MODULUS - 1);
  return ahead < SEQUENCE_MODULUS - BEHIND_RANGE ? ahead : ahead - SEQUENCE_MODULUS;
}

/** @returns a - b of two u24 times, which are less than half a turn (33 s) apart. */
export function timeDistance(a: number, b: number): number {
  return ((a - b) << 8) >> 8;
}
