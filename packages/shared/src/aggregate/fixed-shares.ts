import type { Member } from "./member.ts";

/**
 * Splits traffic by typed speeds, or equally where one is missing, for a peer that tells nothing about what arrives.
 *
 * Each path is served when it is the furthest behind its share, in bytes; nothing is paced.
 */
export class FixedShares {
  readonly #servedByPath: Float64Array;

  constructor(pathCount: number) {
    this.#servedByPath = new Float64Array(pathCount);
  }

  begin(): void {
    this.#servedByPath.fill(0);
  }

  /** @returns the path for this frame; undefined when there is none. */
  pick(live: readonly Member[], bytes: number): Member | undefined {
    const allTyped = live.every((member) => (member.speedKbps ?? 0) > 0);
    let chosen: Member | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const member of live) {
      const served = (this.#servedByPath[member.number] ?? 0) + bytes / weight(member, allTyped);
      if (served >= least) continue;
      least = served;
      chosen = member;
    }
    if (chosen !== undefined) this.#servedByPath[chosen.number] = least;
    return chosen;
  }

  /** A path that joins starts even with the others, instead of making up for the time before. */
  join(member: Member, live: readonly Member[]): void {
    let least = Number.POSITIVE_INFINITY;
    for (const other of live) if (other !== member) least = Math.min(least, this.#servedByPath[other.number] ?? 0);
    this.#servedByPath[member.number] = Number.isFinite(least) ? least : 0;
  }
}

function weight(member: Member, allTyped: boolean): number {
  return allTyped ? (member.speedKbps ?? 1) : 1;
}
