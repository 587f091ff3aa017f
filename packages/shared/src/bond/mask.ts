/** Sets of members as 32-bit masks. */
export function lowestMember(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

export function countMembers(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}
