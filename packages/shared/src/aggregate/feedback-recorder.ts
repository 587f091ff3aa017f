import { type ControlWriter, FEEDBACK_TIME_UNIT_US, FeedbackBlock, MAX_PATHS } from "../wire/index.ts";
import { ReceivedLog } from "./received-log.ts";

/** A control datagram this long is padding that measures a line, and is reported as data is; shorter ones only by the way. */
export const REPORTED_CONTROL_BYTES = 1_000;
/** IP, UDP, outer header, tag. */
const DATAGRAM_OVERHEAD_BYTES = 60;
const UNITS_PER_MS = 1000 / FEEDBACK_TIME_UNIT_US;
const TWO_32 = 0x100000000;

const INTERVAL_MS = 10;
/** After a counter gap: long enough for datagrams that overtook each other in the last hop. */
const GAP_MS = 2;
/** At high rates feedback goes by count, so that windows of a few milliseconds do not stall. */
const MOST_UNREPORTED = 128;
const SHORTEST_MS = 1;
/** The last news are said twice: nothing else would follow them. */
const REPEAT_MS = 20;
/**
 * Of a path that has no more news they are said again with the news of others, so many times, and each time after twice the
 * time: what was said last may have gone with that path, and the peer would send again all that it does not know to be here.
 */
const RIDES = 4;

/** What feedback may cost: of the bytes it reports on, and of what the return path carries. */
const DATA_SHARE = 0.015;
const RETURN_SHARE = 0.05;
/** Feedback is never rarer for its cost's sake. */
const LONGEST_MS = 120;
const LONGEST_FOR_RETURN_MS = 50;
/** Saved up while data came and little was said: a burst of feedback when traffic begins. */
const SAVED_BYTES = 1_000;
/** Gaps are worth this debt, and so much less of the interval that the return path asks for. */
const DEBT_BYTES = 600;
const HASTE = 0.8;
/** What a line's gaps came to is judged by about so many. */
const GAPS_REMEMBERED = 128;

/** What arrived on one path. */
class PathRecord {
  readonly log = new ReceivedLog();
  bytes = 0;
  lastArrivalMs = 0;
  highestArrivalMs = 0;
  /** The datagram with the least delay since the last feedback; -1: none. */
  fastestCounter = -1;
  fastestArrivalMs = 0;
  fastestOwd = 0;
  /** Lowest counter that arrived since the last feedback, and in the two before it. */
  lowest = Number.POSITIVE_INFINITY;
  lowestBefore = Number.POSITIVE_INFINITY;
  lowestBefore2 = Number.POSITIVE_INFINITY;
  /** Something arrived since the last feedback. */
  hasNews = false;
  /** Counters passed over, and those of them that came after all: on a line that reorders a gap says little. */
  passedOver = 0;
  cameLate = 0;
  /** To be said once more if nothing else comes. */
  repeats = false;
  /** Since when the last news may be said again with those of others, and how often they were; Infinity: there is no need. */
  rideMs = Number.POSITIVE_INFINITY;
  rides = 0;

  /** The lowest counter that a message with news reports on. */
  get lowestLately(): number {
    return Math.min(this.lowest, this.lowestBefore, this.lowestBefore2, this.log.highest);
  }
}

/**
 * The receiver's side of feedback: notes each datagram of a peer and writes FEEDBACK messages about all paths with news.
 *
 * In the manner of RFC 8888, with the paths of a session in one message. Every arrival is reported in three messages, so
 * that any two may be lost. When: every 10 ms while data comes, 2 ms after a counter gap, every 128 datagrams; rarer
 * (120 ms at most) where it would cost more than 1.5 % of the bytes it reports on or 5 % of the return path.
 */
export class FeedbackRecorder {
  /** What the return path carries, bytes of IP packets per ms; NaN while unknown. Set by the owner. */
  returnBytesPerMs = Number.NaN;
  /** Messages and their bytes on the wire so far. */
  messageCount = 0;
  messageBytes = 0;
  readonly #records: (PathRecord | undefined)[] = new Array<PathRecord | undefined>(MAX_PATHS).fill(undefined);
  readonly #block = new FeedbackBlock();
  #nowMs = Number.NaN;
  #nowUnits = 0;
  #hasNews = false;
  #unreported = 0;
  #gapMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #repeatMs = Number.POSITIVE_INFINITY;
  /** Bytes that feedback may still cost; negative: owed. */
  #allowance = SAVED_BYTES;
  #lastBytes = DATAGRAM_OVERHEAD_BYTES;
  /** Blocks that did not fit the last datagram. */
  #leftOver = false;
  #firstPath = 0;

  /**
   * Call for every datagram that is authentic and no replay.
   * @param bytes of the IP packet. @param sendTime of a data datagram, u24 in units of 4 us; -1 of a control datagram.
   */
  onReceived(path: number, counter: number, bytes: number, sendTime: number, nowMs: number): void {
    const record = this.#records[path] ?? this.#addPath(path);
    const highest = record.log.highest;
    record.log.add(counter);
    record.bytes += bytes;
    record.lastArrivalMs = nowMs;
    record.hasNews = true;
    if (counter < record.lowest) record.lowest = counter;
    if (counter > highest) {
      if (counter > highest + 1 && highest >= 0) this.#onGap(record, counter - highest - 1, nowMs);
      record.highestArrivalMs = nowMs;
    } else record.cameLate++;
    if (sendTime >= 0) this.#noteDelay(record, counter, sendTime, nowMs);
    else if (bytes < REPORTED_CONTROL_BYTES) return;
    this.#hasNews = true;
    this.#unreported++;
    this.#allowance += bytes * DATA_SHARE;
  }

  /** A datagram below the highest counter was made out of parity: it counts as arrived, but says nothing of the line. */
  onMade(path: number, counter: number): void {
    const record = this.#records[path];
    if (record === undefined || counter > record.log.highest) return;
    record.log.add(counter);
    record.hasNews = true;
    this.#hasNews = true;
    if (counter < record.lowest) record.lowest = counter;
  }

  /** When `write` wants to be called; changes with every datagram. Infinity: there is nothing to say. */
  get dueMs(): number {
    if (this.#leftOver) return Number.NEGATIVE_INFINITY;
    if (!this.#hasNews) return this.#repeatMs;
    if (this.#unreported >= MOST_UNREPORTED) return this.#lastMs + SHORTEST_MS;
    const forReturnMs = this.#forReturnMs();
    const pacedMs = this.#lastMs + (this.#allowance >= 0 ? Math.max(INTERVAL_MS, forReturnMs) : LONGEST_MS);
    if (this.#allowance < -DEBT_BYTES) return pacedMs;
    const hastyMs = this.#lastMs + Math.max(GAP_MS, HASTE * forReturnMs);
    return Math.min(pacedMs, Math.max(this.#gapMs + GAP_MS, hastyMs));
  }

  /**
   * Puts one FEEDBACK message about all paths with news into a datagram that has been begun.
   * @returns false when there is nothing to say. Does not look at `dueMs`; when that is in the past afterwards, not all
   * fitted and another datagram is to be written.
   */
  write(writer: ControlWriter, nowMs: number): boolean {
    if (!this.#hasNews && !this.#leftOver && this.#repeatMs === Number.POSITIVE_INFINITY) return false;
    const before = writer.lengthBytes;
    if (!writer.feedback(unitsOf(nowMs) % TWO_32)) return false;
    const isRepeat = !this.#hasNews && !this.#leftOver;
    this.#leftOver = !this.#writeBlocks(writer, isRepeat, nowMs);
    this.#account(writer.lengthBytes - before + DATAGRAM_OVERHEAD_BYTES, nowMs);
    this.#repeatMs = isRepeat ? Number.POSITIVE_INFINITY : nowMs + REPEAT_MS;
    return true;
  }

  /** The peer numbers anew: all is forgotten. */
  reset(): void {
    this.#records.fill(undefined);
    this.#hasNews = false;
    this.#leftOver = false;
    this.#unreported = 0;
    this.#gapMs = Number.POSITIVE_INFINITY;
    this.#repeatMs = Number.POSITIVE_INFINITY;
  }

  #addPath(path: number): PathRecord {
    const record = new PathRecord();
    this.#records[path] = record;
    return record;
  }

  #onGap(record: PathRecord, missing: number, nowMs: number): void {
    if (2 * record.cameLate <= record.passedOver) this.#gapMs = Math.min(this.#gapMs, nowMs);
    record.passedOver += missing;
    if (record.passedOver < GAPS_REMEMBERED) return;
    record.passedOver /= 2;
    record.cameLate /= 2;
  }

  #noteDelay(record: PathRecord, counter: number, sendTime: number, nowMs: number): void {
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs;
      this.#nowUnits = unitsOf(nowMs) | 0;
    }
    const owd = this.#nowUnits - sendTime;
    // Modulo 2^24, as send times are: the sign of the difference is that of its bit 23.
    if (record.fastestCounter >= 0 && (owd - record.fastestOwd) << 8 >= 0) return;
    record.fastestCounter = counter;
    record.fastestArrivalMs = nowMs;
    record.fastestOwd = owd;
  }

  /** The interval that a narrow return path asks for; 0: any. */
  #forReturnMs(): number {
    const forReturnMs = this.#lastBytes / (this.returnBytesPerMs * RETURN_SHARE);
    return forReturnMs > 0 ? Math.min(forReturnMs, LONGEST_FOR_RETURN_MS) : 0;
  }

  /** @returns false when something is left over; it comes first next time. */
  #writeBlocks(writer: ControlWriter, isRepeat: boolean, nowMs: number): boolean {
    const first = this.#firstPath;
    for (let i = 0; i < MAX_PATHS; i++) {
      const path = (first + i) % MAX_PATHS;
      const record = this.#records[path];
      if (record === undefined) continue;
      const isDue = isRepeat ? record.repeats : record.hasNews || nowMs >= record.rideMs;
      if (!isDue) continue;
      this.#fill(path, record, nowMs);
      if (!writer.feedbackBlock(this.#block)) {
        this.#firstPath = path;
        return false;
      }
      this.#said(record, nowMs);
    }
    return true;
  }

  #fill(path: number, record: PathRecord, nowMs: number): void {
    const block = this.#block;
    const highest = record.log.highest;
    const hasFastest = record.fastestCounter >= 0 && record.fastestCounter <= highest;
    block.path = path;
    block.highestCounter = highest % TWO_32;
    block.heldUnits = unitsOf(nowMs) - unitsOf(record.highestArrivalMs);
    block.receivedBytes = record.bytes % TWO_32;
    block.lastHeldUnits = unitsOf(nowMs) - unitsOf(record.lastArrivalMs);
    block.fastestBack = hasFastest ? highest - record.fastestCounter : 0;
    const arrivalMs = hasFastest ? record.fastestArrivalMs : record.highestArrivalMs;
    block.fastestHeldUnits = unitsOf(nowMs) - unitsOf(arrivalMs);
    block.runCount = record.log.runs(record.hasNews ? record.lowestLately : 0, block.runs);
  }

  #said(record: PathRecord, nowMs: number): void {
    record.rides = record.hasNews ? 0 : record.rides + 1;
    record.rideMs = record.rides < RIDES ? nowMs + REPEAT_MS * 2 ** record.rides : Number.POSITIVE_INFINITY;
    if (!record.hasNews) {
      record.repeats = false;
      return;
    }
    record.lowestBefore2 = record.lowestBefore;
    record.lowestBefore = record.lowest;
    record.lowest = Number.POSITIVE_INFINITY;
    record.fastestCounter = -1;
    record.hasNews = false;
    record.repeats = true;
  }

  #account(bytes: number, nowMs: number): void {
    this.messageCount++;
    this.messageBytes += bytes;
    this.#lastBytes = bytes;
    // What is saved is bounded as what is owed, so that neither silence nor a trickle outweighs the present.
    this.#allowance = Math.max(-SAVED_BYTES, Math.min(SAVED_BYTES, this.#allowance) - bytes);
    if (this.#leftOver) return;
    this.#lastMs = nowMs;
    this.#hasNews = false;
    this.#unreported = 0;
    this.#gapMs = Number.POSITIVE_INFINITY;
  }
}

/** Rounded down, so that a difference of two is never off by more than the clock's step. */
function unitsOf(timeMs: number): number {
  return Math.floor(timeMs * UNITS_PER_MS);
}
