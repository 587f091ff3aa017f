import { MAX_PATHS } from "../wire/index.ts";
import { lowestMember } from "./mask.ts";
import { NO_MEMBER } from "./policy.ts";

/**
 * Smooth weighted round robin (the algorithm of nginx): each turn every member earns its weight, the richest goes and pays
 * the sum. Weights 5:1:1 give a a b a c a a, not a a a a a b c; equal weights give a b c.
 */
export class WeightedTurns {
  readonly #weight: Float64Array;
  readonly #credit = new Float64Array(MAX_PATHS);
  #eligible = 0;

  /** @param weight by member, >= 0, read at every turn; one of the eligible is above 0. */
  constructor(weight: Float64Array) {
    this.#weight = weight;
  }

  next(eligible: number): number {
    if (eligible !== this.#eligible) {
      this.#eligible = eligible;
      this.#credit.fill(0);
    }
    let total = 0;
    let richest = NO_MEMBER;
    let most = Number.NEGATIVE_INFINITY;
    for (let left = eligible; left !== 0; left &= left - 1) {
      const index = lowestMember(left);
      const weight = this.#weight[index] ?? 0;
      const credit = (this.#credit[index] ?? 0) + weight;
      this.#credit[index] = credit;
      total += weight;
      if (weight > 0 && credit > most) {
        most = credit;
        richest = index;
      }
    }
    if (richest === NO_MEMBER) return lowestMember(eligible);
    this.#credit[richest] = most - total;
    return richest;
  }

  /** A member drawn by weight. @param draw in [0, 1). */
  drawn(eligible: number, draw: number): number {
    let total = 0;
    for (let left = eligible; left !== 0; left &= left - 1) total += this.#weight[lowestMember(left)] ?? 0;
    let rest = draw * total;
    let last = lowestMember(eligible);
    for (let left = eligible; left !== 0; left &= left - 1) {
      const weight = this.#weight[lowestMember(left)] ?? 0;
      if (weight === 0) continue;
      last = lowestMember(left);
      rest -= weight;
      if (rest < 0) break;
    }
    return last;
  }
}
