import { lowestMember } from "./mask.ts";
import type { MemberQuality, MemberTable } from "./members.ts";
import type { QualityWeights } from "./settings.ts";

/** A difference below the floor is not felt, so that 1 ms and 2 ms of RTT are nearly the same. */
const FLOOR_MS = { lat: 5, ltm: 20, pdv: 5 };
const FLOOR_RATIO = 0.01;
/** Of a property that is not known. */
const NEUTRAL = 0.5;

/**
 * Gives each eligible member a score of 0..1: the weighted sum, over the measured properties, of the best member's value
 * to its own. The best in everything scores 1, one with twice the RTT about half of what `lat` counts.
 *
 * ZeroTier's estimate (exp(-4 x), x relative to the worst) is not taken: it makes a seventh of a link with twice the latency.
 */
export function scoreMembers(members: MemberTable, eligible: number, weights: QualityWeights): void {
  members.score.fill(0);
  const add = (weight: number, floor: number, read: (quality: MemberQuality) => number) => {
    if (weight > 0) addSmallerIsBetter(members, eligible, weight, floor, read);
  };
  add(weights.lat, FLOOR_MS.lat, (quality) => quality.rttMs);
  add(weights.ltm, FLOOR_MS.ltm, (quality) => quality.rttMaxMs);
  add(weights.pdv, FLOOR_MS.pdv, (quality) => quality.pdvMs);
  add(weights.plr, FLOOR_RATIO, (quality) => quality.plrRatio);
  add(weights.per, FLOOR_RATIO, (quality) => quality.perRatio);
  add(weights.avl, FLOOR_RATIO, (quality) => 1 - quality.availabilityRatio);
}

function addSmallerIsBetter(
  members: MemberTable,
  eligible: number,
  weight: number,
  floor: number,
  read: (quality: MemberQuality) => number,
): void {
  let best = Number.POSITIVE_INFINITY;
  for (let left = eligible; left !== 0; left &= left - 1) {
    const value = read(members.quality(lowestMember(left)));
    if (value < best) best = value;
  }
  for (let left = eligible; left !== 0; left &= left - 1) {
    const index = lowestMember(left);
    const value = read(members.quality(index));
    const part = Number.isNaN(value) ? NEUTRAL : (floor + best) / (floor + value);
    members.score[index] = (members.score[index] ?? 0) + weight * part;
  }
}
