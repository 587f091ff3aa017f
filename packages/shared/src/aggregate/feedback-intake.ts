import { FEEDBACK_TIME_UNIT_US, type FeedbackBlock, type FeedbackReader } from "../wire/index.ts";
import type { Fates } from "./fates.ts";
import type { Member } from "./member.ts";
import { emptyMark, type FeedbackSample } from "./path-controller.ts";
import { PeerClock } from "./peer-clock.ts";
import { KIND_PARITY, SENT_ACKED, SENT_CONTROL, SENT_FLYING, SENT_LOST, SENT_UNKNOWN } from "./sent-log.ts";

/**
 * Why feedback was refused: a message whose time leapt; a block about a path that is not ours, about what was never sent,
 * with an arrival before the sending or before that of an older datagram, with more bytes than were sent.
 */
export type FeedbackRefusal = "clock" | "unknown-path" | "never-sent" | "arrival" | "bytes";

const UNITS_PER_MS = 1000 / FEEDBACK_TIME_UNIT_US;
const TWO_31 = 0x80000000;
/** Clocks are read once per batch. */
const CLOCK_STEP_MS = 1;
/** Both ends count the bytes of IP packets, and a translator between IPv4 and IPv6 changes them. */
const TRANSLATED = 1.5;
const STARTED_BYTES = 65_536;
/** So far back a parity is looked for: two groups. */
const PARITY_REACH = 64;

/** Reads feedback: believes nothing that cannot be, settles what arrived, finds what was lost, and tells the controllers. */
export class FeedbackIntake {
  /** Blocks, or with "clock" messages, that were not believed. */
  readonly refused: Record<FeedbackRefusal, number> = {
    clock: 0,
    "unknown-path": 0,
    "never-sent": 0,
    arrival: 0,
    bytes: 0,
  };
  /** Blocks about what is no longer remembered. */
  outdated = 0;
  /** Blocks that were believed. */
  accepted = 0;
  readonly #members: readonly (Member | undefined)[];
  readonly #fates: Fates;
  readonly #clock = new PeerClock();
  readonly #sample: FeedbackSample = {
    highestOwdMs: 0,
    highestMark: emptyMark(),
    highestSentMs: 0,
    fastestOwdMs: 0,
    fastestMark: emptyMark(),
    receivedBytes: 0,
    arrivalMs: 0,
    rttMs: 0,
  };
  /** Of the block under way. */
  #oldestSentMs = Number.POSITIVE_INFINITY;
  #inTime = 0;
  #tooLate = 0;

  /** @param members by path number. */
  constructor(members: readonly (Member | undefined)[], fates: Fates) {
    this.#members = members;
    this.#fates = fates;
  }

  /** @returns whether anything of the message was believed, or is only too old to be of use: the peer answers. */
  onFeedback(feedback: FeedbackReader, nowMs: number): boolean {
    const timeMs = this.#clock.read(feedback.timeUnits, nowMs);
    if (Number.isNaN(timeMs)) {
      this.refused.clock++;
      return false;
    }
    const before = this.accepted + this.outdated;
    while (feedback.next()) this.#onBlock(feedback.block, timeMs, nowMs);
    return this.accepted + this.outdated > before;
  }

  /** Time of the newest message, in the peer's clock; NaN before the first. */
  get reportMs(): number {
    return this.#clock.newestMs;
  }

  #onBlock(block: FeedbackBlock, timeMs: number, nowMs: number): void {
    const member = this.#members[block.path];
    if (member === undefined) {
      this.refused["unknown-path"]++;
      return;
    }
    const back = (member.log.next - 1 - block.highestCounter) >>> 0;
    const highest = member.log.next - 1 - back;
    if (back >= TWO_31 || highest < 0) this.refused["never-sent"]++;
    else if (highest < member.log.oldest) this.outdated++;
    else this.#onKnown(member, block, highest, timeMs, nowMs);
  }

  /** @param highest counter of the block, unwrapped; it is in the log. */
  #onKnown(member: Member, block: FeedbackBlock, highest: number, timeMs: number, nowMs: number): void {
    const { log } = member;
    const heldMs = block.heldUnits / UNITS_PER_MS;
    const sentMs = log.sentMs[log.index(highest)] ?? 0;
    const isNews = highest > member.highestAcked && log.states[log.index(highest)] !== SENT_UNKNOWN;
    const arrivalMs = timeMs - block.lastHeldUnits / UNITS_PER_MS;
    const refusal = this.#fault(member, block, highest, arrivalMs, nowMs - sentMs - heldMs, isNews);
    if (refusal !== null) {
      this.refused[refusal]++;
      return;
    }
    this.accepted++;
    this.#settle(member, highest, block, nowMs);
    if (highest >= member.highestAcked) this.#findLost(member, highest, sentMs, heldMs, nowMs);
    log.advance();
    if (isNews) this.#learn(member, block, highest, timeMs, nowMs);
  }

  #fault(
    member: Member,
    block: FeedbackBlock,
    highest: number,
    arrivalMs: number,
    rttMs: number,
    isNews: boolean,
  ): FeedbackRefusal | null {
    if (rttMs < -CLOCK_STEP_MS) return "arrival";
    if (!isNews) return null;
    if (arrivalMs < member.reportedArrivalMs - CLOCK_STEP_MS) return "arrival";
    member.log.readMark(member.log.index(highest), member.mark);
    const sentBytes = member.mark.sentBytes;
    const isFirst = Number.isNaN(member.reportedBytes);
    const gained = isFirst ? 0 : (block.receivedBytes - member.reportedBytes) >>> 0;
    const reported = isFirst ? block.receivedBytes : member.reportedBytes + gained;
    if (isFirst) member.firstReportedBytes = reported;
    if (reported - member.firstReportedBytes > sentBytes * TRANSLATED + STARTED_BYTES) return "bytes";
    member.reportedBytes = reported;
    member.reportedArrivalMs = arrivalMs;
    return null;
  }

  /** Settles what the runs say arrived. */
  #settle(member: Member, highest: number, block: FeedbackBlock, nowMs: number): void {
    const { oldest } = member.log;
    this.#oldestSentMs = Number.POSITIVE_INFINITY;
    this.#inTime = 0;
    this.#tooLate = 0;
    let top = highest;
    for (let i = 0; i < block.runCount && top >= oldest; i++) {
      const below = top - (block.runs[i] ?? 0);
      if ((i & 1) === 0) this.#settleRun(member, Math.max(below + 1, oldest), top, nowMs);
      top = below;
    }
    member.losses.onArrivals(this.#inTime, this.#tooLate);
  }

  #settleRun(member: Member, from: number, to: number, nowMs: number): void {
    const { log } = member;
    for (let counter = to; counter >= from; counter--) {
      const at = log.index(counter);
      const before = this.#fates.arrived(member, at, nowMs);
      if (before === SENT_FLYING) {
        this.#oldestSentMs = Math.min(this.#oldestSentMs, log.sentMs[at] ?? nowMs);
        this.#inTime++;
        member.progressMs = nowMs;
        member.patience = 1;
      } else if (before === SENT_LOST) this.#tooLate++;
    }
  }

  /** What was sent long enough before the newest that arrived, and did not arrive. */
  #findLost(member: Member, highest: number, sentMs: number, heldMs: number, nowMs: number): void {
    const { log } = member;
    const lostBeforeMs = member.losses.lostBeforeMs(sentMs, heldMs);
    const { parityMs } = member.losses;
    const mendedBelow = parityMs > 0 ? this.#mendedBelow(member, highest, lostBeforeMs) : highest;
    for (let counter = log.unsettled; counter < highest; counter++) {
      const at = log.index(counter);
      const state = log.states[at];
      if (state !== SENT_FLYING && state !== SENT_CONTROL) continue;
      if ((log.sentMs[at] ?? 0) > (counter < mendedBelow ? lostBeforeMs : lostBeforeMs - parityMs)) return;
      this.#fates.lost(member, at, nowMs);
    }
  }

  /**
   * The newest parity of which is known whether it arrived: what it could mend is mended.
   * @returns its counter, or that before which there is none to come.
   */
  #mendedBelow(member: Member, highest: number, lostBeforeMs: number): number {
    const { log } = member;
    const end = Math.max(log.unsettled, highest - PARITY_REACH, member.mendedBelow);
    for (let counter = highest; counter > end; counter--) {
      const at = log.index(counter);
      if (log.kinds[at] !== KIND_PARITY) continue;
      if (log.states[at] === SENT_ACKED || (log.sentMs[at] ?? 0) <= lostBeforeMs) return counter;
    }
    return member.mendedBelow;
  }

  #learn(member: Member, block: FeedbackBlock, highest: number, timeMs: number, nowMs: number): void {
    const { log } = member;
    const sample = this.#sample;
    const at = log.index(highest);
    const sentMs = log.sentMs[at] ?? 0;
    member.highestAcked = highest;
    sample.arrivalMs = member.reportedArrivalMs;
    sample.receivedBytes = member.reportedBytes;
    sample.highestSentMs = sentMs;
    sample.highestOwdMs = timeMs - block.heldUnits / UNITS_PER_MS - sentMs;
    sample.rttMs = Math.max(0.01, nowMs - sentMs - block.heldUnits / UNITS_PER_MS);
    member.reportedOwdMs = sample.highestOwdMs;
    log.readMark(at, sample.highestMark);
    this.#readFastest(member, block, highest, timeMs);
    const oldestAgeMs = this.#oldestSentMs < nowMs ? nowMs - this.#oldestSentMs : sample.rttMs;
    member.losses.onReport(sample.rttMs, oldestAgeMs, nowMs);
    member.controller.onFeedback(sample, nowMs);
  }

  #readFastest(member: Member, block: FeedbackBlock, highest: number, timeMs: number): void {
    const { log } = member;
    const sample = this.#sample;
    const counter = highest - block.fastestBack;
    const isKnown = log.has(counter) && log.states[log.index(counter)] !== SENT_UNKNOWN;
    const at = log.index(isKnown ? counter : highest);
    const heldUnits = isKnown ? block.fastestHeldUnits : block.heldUnits;
    sample.fastestOwdMs = timeMs - heldUnits / UNITS_PER_MS - (log.sentMs[at] ?? 0);
    log.readMark(at, sample.fastestMark);
  }
}
