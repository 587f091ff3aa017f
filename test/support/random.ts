import type { Random } from "../../packages/shared/src/units.ts";

/** A repeatable source of numbers in [0, 1). Source: mulberry32 (Tommy Ettinger, public domain). */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** Normal deviates with mean 0 and standard deviation 1, cut at +-4 as netem's table is. Source: Box and Muller, 1958. */
export function normalRandom(random: Random): Random {
  let spare = Number.NaN;
  return () => {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = Number.NaN;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = cut(radius * Math.sin(angle));
    return cut(radius * Math.cos(angle));
  };
}

function cut(deviate: number): number {
  return Math.max(-4, Math.min(4, deviate));
}

/** @returns an integer in [0, below). */
export function randomInteger(random: Random, below: number): number {
  return Math.floor(random() * below);
}

/** Gaps between the events of a Poisson process: mean 1. */
export function exponentialRandom(random: Random): number {
  return -Math.log(1 - random());
}
