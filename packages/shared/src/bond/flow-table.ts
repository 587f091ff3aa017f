import { countMembers, lowestMember } from "./mask.ts";
import type { MemberTable } from "./members.ts";

/** Flows share a bucket when their hashes agree in these bits; eight flows all have buckets of their own in 99 of 100 cases. */
const BUCKETS = 4096;
/** Member of a bucket that has none. No mask has this bit. */
const UNPLACED = 31;
const MEMBERS = UNPLACED + 1;
/** A flow counts as live, hence as load, for so long after a frame. */
const LIVE_MS = 2000;
/** ZeroTier's flow expiry: a bucket silent for so long is placed anew. */
const FORGET_MS = 60_000;
const SWEEP_INTERVAL_MS = 250;

/** When flows may be moved although their member works. */
export type FlowMoves = "on-return" | "never" | "to-balance";

/**
 * Which member each flow is on. The hash of a flow gives a bucket; a bucket is given to the member with the fewest live flows
 * for its weight when its first frame comes, and stays there while that member is eligible.
 *
 * When a member leaves, only its flows are placed anew, each at its next frame. When it returns (or its ramp grows), live
 * flows of the others are moved to it as far as balance by weight needs it. A plain `hash mod members` would reshuffle all
 * flows in both cases, and leaves one of three links idle in every eighth set of eight flows.
 */
export class FlowTable {
  readonly #weight: Float64Array;
  readonly #rampShare: Float64Array;
  readonly #seenRampShare = new Float64Array(MEMBERS);
  readonly #moves: FlowMoves;
  readonly #member = new Uint8Array(BUCKETS).fill(UNPLACED);
  readonly #usedAtMs = new Float64Array(BUCKETS).fill(Number.NEGATIVE_INFINITY);
  /** Since the last time bytes were compared. */
  readonly #bytes = new Float64Array(BUCKETS);
  readonly #liveFlows = new Int32Array(MEMBERS);
  readonly #memberBytes = new Float64Array(MEMBERS);
  /** Flows to take from each member in a move under way. */
  readonly #take = new Int32Array(MEMBERS);
  #eligible = 0;
  /** Members that came back and are not in balance yet. */
  #returned = 0;
  #nextSweepMs = Number.NEGATIVE_INFINITY;
  #sweeps = 0;

  constructor(members: MemberTable, moves: FlowMoves) {
    this.#weight = members.weight;
    this.#rampShare = members.rampShare;
    this.#moves = moves;
  }

  /** @returns the member of the flow, one of eligible. */
  memberOf(hash: number, sizeBytes: number, eligible: number, nowMs: number): number {
    if (eligible !== this.#eligible) this.#changeEligible(eligible);
    if (nowMs >= this.#nextSweepMs) this.#sweep(nowMs);
    const bucket = hash & (BUCKETS - 1);
    let member = this.#member[bucket] ?? UNPLACED;
    const isKept = (eligible & (1 << member)) !== 0 && nowMs - (this.#usedAtMs[bucket] ?? 0) < FORGET_MS;
    if (!isKept) member = this.#place(bucket, hash);
    this.#usedAtMs[bucket] = nowMs;
    this.#bytes[bucket] = (this.#bytes[bucket] ?? 0) + sizeBytes;
    return member;
  }

  #changeEligible(eligible: number): void {
    this.#returned = (this.#returned | (eligible & ~this.#eligible)) & eligible;
    this.#eligible = eligible;
  }

  /** Equal loads are told apart by the hash, so that lone flows spread too. */
  #place(bucket: number, hash: number): number {
    const eligible = this.#eligible;
    let tail = eligible;
    for (let skip = (hash >>> 12) % countMembers(eligible); skip > 0; skip--) tail &= tail - 1;
    const fromTail = this.#leastLoaded(tail, UNPLACED);
    const member = this.#leastLoaded(eligible & ~tail, fromTail);
    this.#member[bucket] = member;
    this.#liveFlows[member] = (this.#liveFlows[member] ?? 0) + 1;
    return member;
  }

  /** @param best is kept unless one of mask is less loaded; UNPLACED: any is better. */
  #leastLoaded(mask: number, best: number): number {
    let least = best === UNPLACED ? Number.POSITIVE_INFINITY : this.#loadWithOneMore(best);
    for (let left = mask; left !== 0; left &= left - 1) {
      const index = lowestMember(left);
      const load = this.#loadWithOneMore(index);
      if (load < least || best === UNPLACED) {
        least = load;
        best = index;
      }
    }
    return best;
  }

  #loadWithOneMore(index: number): number {
    return ((this.#liveFlows[index] ?? 0) + 1) / (this.#weight[index] ?? 0);
  }

  #sweep(nowMs: number): void {
    this.#nextSweepMs = nowMs + SWEEP_INTERVAL_MS;
    this.#countLive(nowMs);
    if (this.#moves === "never") return;
    this.#noticeRamps();
    if (this.#returned !== 0) this.#fillReturned(nowMs);
    if (this.#moves === "to-balance" && ++this.#sweeps % 8 === 0) this.#levelBytes();
  }

  /** A member that is being readmitted gets its due at every step of its ramp. */
  #noticeRamps(): void {
    for (let left = this.#eligible; left !== 0; left &= left - 1) {
      const index = lowestMember(left);
      const share = this.#rampShare[index] ?? 0;
      if (share > (this.#seenRampShare[index] ?? 0)) this.#returned |= 1 << index;
      this.#seenRampShare[index] = share;
    }
  }

  #countLive(nowMs: number): void {
    this.#liveFlows.fill(0);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (nowMs - (this.#usedAtMs[bucket] ?? 0) > LIVE_MS) continue;
      const member = this.#member[bucket] ?? UNPLACED;
      this.#liveFlows[member] = (this.#liveFlows[member] ?? 0) + 1;
    }
  }

  #fillReturned(nowMs: number): void {
    for (let left = this.#returned; left !== 0; left &= left - 1) {
      const to = lowestMember(left);
      if (this.#planMoves(to) > 0) this.#moveTo(to, nowMs);
    }
    this.#returned = 0;
  }

  /** Sets how many live flows each other member gives to `to`. @returns their sum. */
  #planMoves(to: number): number {
    this.#take.fill(0);
    const live = this.#liveFlows;
    for (let moves = 0; ; moves++) {
      const from = this.#mostLoaded(this.#eligible & ~(1 << to));
      if (from === UNPLACED || (live[from] ?? 0) / (this.#weight[from] ?? 0) <= this.#loadWithOneMore(to)) return moves;
      this.#take[from] = (this.#take[from] ?? 0) + 1;
      live[from] = (live[from] ?? 0) - 1;
      live[to] = (live[to] ?? 0) + 1;
    }
  }

  #mostLoaded(mask: number): number {
    let most = 0;
    let found = UNPLACED;
    for (let left = mask; left !== 0; left &= left - 1) {
      const index = lowestMember(left);
      const load = (this.#liveFlows[index] ?? 0) / (this.#weight[index] ?? 0);
      if (load > most) {
        most = load;
        found = index;
      }
    }
    return found;
  }

  #moveTo(to: number, nowMs: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const from = this.#member[bucket] ?? UNPLACED;
      const wanted = this.#take[from] ?? 0;
      if (wanted === 0 || nowMs - (this.#usedAtMs[bucket] ?? 0) > LIVE_MS) continue;
      this.#take[from] = wanted - 1;
      this.#member[bucket] = to;
    }
  }

  /** Moves the one flow that levels the bytes of the last two seconds best, if they are apart by a quarter or more. */
  #levelBytes(): void {
    this.#memberBytes.fill(0);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const member = this.#member[bucket] ?? UNPLACED;
      this.#memberBytes[member] = (this.#memberBytes[member] ?? 0) + (this.#bytes[bucket] ?? 0);
    }
    const high = this.#byUse(1);
    const low = this.#byUse(-1);
    if (this.#use(high) > this.#use(low) * 1.25) this.#moveBestFit(high, low);
    this.#bytes.fill(0);
  }

  /** @param sign 1: the member most used for its weight, -1: the least. */
  #byUse(sign: number): number {
    let found = lowestMember(this.#eligible);
    for (let left = this.#eligible; left !== 0; left &= left - 1) {
      const index = lowestMember(left);
      if ((this.#weight[index] ?? 0) === 0) continue;
      if (sign * this.#use(index) > sign * this.#use(found)) found = index;
    }
    return found;
  }

  #use(index: number): number {
    return (this.#memberBytes[index] ?? 0) / Math.max(this.#weight[index] ?? 0, Number.MIN_VALUE);
  }

  #moveBestFit(high: number, low: number): void {
    const ratio = (this.#weight[low] ?? 0) / (this.#weight[high] ?? 1);
    const highBytes = this.#memberBytes[high] ?? 0;
    const lowBytes = this.#memberBytes[low] ?? 0;
    // After it both are used alike; a flow of more than `limit` would only swap their roles.
    const limit = highBytes * ratio - lowBytes;
    const ideal = limit / (1 + ratio);
    let bestBucket = -1;
    let bestMiss = Number.POSITIVE_INFINITY;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const bytes = this.#bytes[bucket] ?? 0;
      if (this.#member[bucket] !== high || bytes === 0 || bytes >= limit) continue;
      const miss = Math.abs(bytes - ideal);
      if (miss >= bestMiss) continue;
      bestMiss = miss;
      bestBucket = bucket;
    }
    if (bestBucket >= 0) this.#member[bestBucket] = low;
  }
}
