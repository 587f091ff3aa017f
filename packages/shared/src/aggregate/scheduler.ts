import type { Member } from "./member.ts";

/**
 * A path may be this much later than the fastest, and more while much is waiting: its datagrams then cost nobody time. So many
 * times what waits, in time of all paths, but less of it for paths that are much later: with more a TCP runs dry before the
 * first late datagram is there, and the fast lines with it.
 */
const SLACK_MS = 2;
const SLACK_PER_WAIT = 4;
const FAR_SLACK_MS = 60;
const FAR_SLACK_PER_WAIT = 1.5;
/** Frames in an order wait for the latest before them: two standard deviations, which is about the PDV. */
const LATEST_PER_PDV = 1;
/** A frame that is to be sent again does not go by a path that is later than this, unless it is the only one. */
const URGENT_SLACK_MS = 10;
/** A second copy that comes so much later still comes sooner than one that is sent when the loss is known. */
const SPARE_SLACK_MS = 60;
/** The same of a third copy of a real-time frame. */
const THIRD_SLACK_MS = 25;
/** Where neither of the best two paths is later than predicted by this, on average, two copies are enough. */
const UNCERTAIN_MS = 1;
/** With less than this before it a line is not in use. */
const UNUSED_MS = 3;
/** With less than this before it a line has next to nothing to do. */
const IDLE_MS = 6;
/** Rounding must not make a wake-up that comes too early by nothing, again and again. */
const LEAST_WAIT_MS = 0.02;

/**
 * Says which path a frame takes: the one on which it is predicted to arrive first. A path whose gate is open, but that is
 * slower than waiting for the fastest, is left out (the idea of ECF, Lim et al. 2017).
 */
export class Scheduler {
  /** When a path opens by itself that a frame was held for; Infinity: none was, or feedback opens it. */
  wakeMs = Number.POSITIVE_INFINITY;
  /** Set by `pickTwo`. */
  best: Member | undefined = undefined;
  second: Member | undefined = undefined;
  bestArrivalMs = Number.POSITIVE_INFINITY;
  secondArrivalMs = Number.POSITIVE_INFINITY;

  /** Paths that take frames; kept by the owner. */
  readonly #live: readonly Member[];
  /** How long a byte of the queue waits for all paths together. */
  #waitPerByteMs = 0;

  constructor(live: readonly Member[]) {
    this.#live = live;
  }

  /** @returns what all live paths carry, bytes per ms. */
  sumRate(): number {
    let sum = 0;
    for (const member of this.#live) sum += member.controller.rateBytesPerMs;
    return sum;
  }

  /** @returns the rate of the path with the least delay, queues aside, and how far the slowest is behind; NaN without a path. */
  soonest(): { bytesPerMs: number; behindMs: number } {
    let bytesPerMs = Number.NaN;
    let leastMs = Number.POSITIVE_INFINITY;
    let mostMs = Number.NEGATIVE_INFINITY;
    for (const { controller } of this.#live) {
      const { baseOwdMs } = controller;
      if (Number.isNaN(baseOwdMs)) continue;
      if (baseOwdMs < leastMs) {
        leastMs = baseOwdMs;
        bytesPerMs = controller.rateBytesPerMs;
      }
      mostMs = Math.max(mostMs, baseOwdMs);
    }
    return { bytesPerMs, behindMs: mostMs - leastMs };
  }

  /** Call before `pick`, after anything that changes a rate. */
  begin(): void {
    this.#waitPerByteMs = 1 / this.sumRate();
  }

  /**
   * @param heldPaths mask of the paths that bring this frame in time, since the far end makes all of its flow wait for them.
   * @returns the path for the next frame of the queue; undefined: it waits, see `wakeMs`.
   */
  pick(bytes: number, backlogBytes: number, heldPaths: number, nowMs: number): Member | undefined {
    const waitMs = backlogBytes * this.#waitPerByteMs;
    const slackMs = SLACK_MS + Math.min(SLACK_PER_WAIT * waitMs, FAR_SLACK_MS + FAR_SLACK_PER_WAIT * waitMs);
    let bestMs = Number.POSITIVE_INFINITY;
    let openMs = Number.POSITIVE_INFINITY;
    let open: Member | undefined;
    for (const member of this.#live) {
      const { controller } = member;
      const arrivalMs = controller.arrivalMs(bytes, nowMs) + LATEST_PER_PDV * controller.pdvMs;
      if (arrivalMs < bestMs) bestMs = arrivalMs;
      if (arrivalMs < openMs && member.isOpen(nowMs)) {
        openMs = arrivalMs;
        open = member;
      }
    }
    if (open !== undefined && (openMs <= bestMs + slackMs || (heldPaths & (1 << open.number)) !== 0)) return open;
    for (const member of this.#live) {
      if (member === open) continue;
      if (member.isOpen(nowMs)) {
        member.passedOver++;
        continue;
      }
      member.heldBack++;
      this.#wakeFor(member, nowMs);
    }
    if (open !== undefined) open.passedOver++;
    return undefined;
  }

  /**
   * @param lostPath where the frame was lost: taken only if there is no other.
   * @returns the path for a frame that is to be sent again; undefined: it waits, see `wakeMs`.
   */
  pickUrgent(bytes: number, lostPath: number, nowMs: number): Member | undefined {
    const avoided = this.#live.length > 1 ? lostPath : -1;
    let bestMs = Number.POSITIVE_INFINITY;
    let openMs = Number.POSITIVE_INFINITY;
    let open: Member | undefined;
    for (const member of this.#live) {
      if (member.number === avoided) continue;
      const arrivalMs = member.controller.arrivalMs(bytes, nowMs);
      if (arrivalMs < bestMs) bestMs = arrivalMs;
      if (arrivalMs < openMs && member.isOpenForUrgent(nowMs)) {
        openMs = arrivalMs;
        open = member;
      }
    }
    if (open !== undefined && openMs <= bestMs + URGENT_SLACK_MS) return open;
    for (const member of this.#live) {
      if (member !== open && member.number !== avoided) this.#wakeFor(member, nowMs);
    }
    return undefined;
  }

  /** @returns the path beside this one that has nothing to do and delivers not much later; undefined: none. */
  pickSpare(bytes: number, first: Member, nowMs: number): Member | undefined {
    const latestMs = first.controller.arrivalMs(bytes, nowMs) + SPARE_SLACK_MS;
    let spare: Member | undefined;
    let earliestMs = latestMs;
    for (const member of this.#live) {
      if (member === first || member.metered || member.controller.queueMs(nowMs) > IDLE_MS) continue;
      const arrivalMs = member.controller.arrivalMs(bytes, nowMs);
      if (arrivalMs >= earliestMs || !member.isOpen(nowMs)) continue;
      earliestMs = arrivalMs;
      spare = member;
    }
    return spare;
  }

  /**
   * Where the best two paths are busy and their rates change, both may have become slower since feedback told: a third
   * copy is then what comes first.
   * @returns the next best path after those that `pickTwo` found; undefined: none is needed, or of use.
   */
  pickThird(bytes: number, nowMs: number): Member | undefined {
    const { best, second } = this;
    if (best === undefined || second === undefined) return undefined;
    if (Math.max(best.controller.latenessMs, second.controller.latenessMs) < UNCERTAIN_MS) return undefined;
    if (Math.min(best.controller.queueMs(nowMs), second.controller.queueMs(nowMs)) < UNUSED_MS) return undefined;
    let third: Member | undefined;
    let earliestMs = this.secondArrivalMs + THIRD_SLACK_MS;
    for (const member of this.#live) {
      if (member === best || member === second || member.metered) continue;
      const arrivalMs = member.controller.driftingArrivalMs(bytes, nowMs);
      if (arrivalMs >= earliestMs) continue;
      earliestMs = arrivalMs;
      third = member;
    }
    return third;
  }

  /** Finds the path with the earliest arrival, gates aside, and the next one that is not metered: those get no second copies. */
  pickTwo(bytes: number, nowMs: number): void {
    this.best = undefined;
    this.second = undefined;
    this.bestArrivalMs = Number.POSITIVE_INFINITY;
    this.secondArrivalMs = Number.POSITIVE_INFINITY;
    for (const member of this.#live) {
      const arrivalMs = member.controller.driftingArrivalMs(bytes, nowMs);
      if (arrivalMs < this.bestArrivalMs) {
        if (this.best !== undefined && !this.best.metered) {
          this.second = this.best;
          this.secondArrivalMs = this.bestArrivalMs;
        }
        this.best = member;
        this.bestArrivalMs = arrivalMs;
      } else if (arrivalMs < this.secondArrivalMs && !member.metered) {
        this.second = member;
        this.secondArrivalMs = arrivalMs;
      }
    }
  }

  #wakeFor(member: Member, nowMs: number): void {
    const openMs = Math.max(member.controller.nextOpenMs(nowMs), nowMs + LEAST_WAIT_MS);
    if (openMs < this.wakeMs) this.wakeMs = openMs;
  }
}
