import { lowestMember } from "./mask.ts";
import type { MemberTable } from "./members.ts";
import type { LinkSettings } from "./settings.ts";

/**
 * Sets the weights of the eligible members: `alloc` where given, else `speed`, else equal; times the quality score where
 * the policy asks for it and no allocation is given; times the readmission ramp. Members of which nothing is said count as
 * the average of the others. If all came out as 0, they are equal: somebody has to carry the traffic.
 */
export function weighMembers(members: MemberTable, eligible: number, byQuality: boolean): void {
  const byAlloc = average(members, eligible, (link) => link.alloc);
  const bySpeed = average(members, eligible, (link) => link.speed);
  let total = 0;
  for (let left = eligible; left !== 0; left &= left - 1) {
    const index = lowestMember(left);
    const link = members.get(index)?.link;
    let weight = byAlloc === null ? (link?.speed ?? bySpeed ?? 1) : (link?.alloc ?? byAlloc);
    if (byQuality && byAlloc === null) weight *= members.score[index] ?? 0;
    weight *= members.rampShare[index] ?? 0;
    members.weight[index] = weight;
    total += weight;
  }
  if (total > 0) return;
  for (let left = eligible; left !== 0; left &= left - 1) members.weight[lowestMember(left)] = 1;
}

/** null when no member has it. */
function average(members: MemberTable, eligible: number, read: (link: LinkSettings) => number | null): number | null {
  let sum = 0;
  let count = 0;
  for (let left = eligible; left !== 0; left &= left - 1) {
    const link = members.get(lowestMember(left))?.link;
    const value = link === undefined ? null : read(link);
    if (value === null) continue;
    sum += value;
    count++;
  }
  return count === 0 ? null : sum / count;
}
