import type { LinkMonitorConfig, LinkState } from "./link-config.ts";
import type { PathEvidence } from "./path-evidence.ts";
import type { ProbePace } from "./probe-pace.ts";

/** The deepest buffers that lines have. */
const LONGEST_QUEUE_MS = 1000;
/** A lossy line misses answers in a row: as many as it would only by this chance are no sign of anything else. */
const CHANCE = 1e-6;
/** Silence needs so many unanswered probes, whatever the interval. */
const UNANSWERED_PROBES = 3;

/** When a path has said nothing for too long, by what it has shown before. */
export class Silence {
  readonly #evidence: PathEvidence;
  #config: LinkMonitorConfig;
  #pace: ProbePace;

  constructor(evidence: PathEvidence, config: LinkMonitorConfig, pace: ProbePace) {
    this.#evidence = evidence;
    this.#config = config;
    this.#pace = pace;
  }

  configure(config: LinkMonitorConfig, pace: ProbePace): void {
    this.#config = config;
    this.#pace = pace;
  }

  /** When the path is silent: nothing at all heard for long enough, and probes that ought to be answered are not. */
  silentAtMs(state: LinkState): number {
    const { probes, traffic, heardMs } = this.#evidence;
    if (state === "down" || probes.unansweredCount < UNANSWERED_PROBES) return Number.POSITIVE_INFINITY;
    const limitMs = traffic.busy ? this.#config.failoverIntervalMs : this.#pace.idleSilenceMs;
    const sinceMs = traffic.busy ? Math.max(heardMs, traffic.busySinceMs) : heardMs;
    const ageLimitMs = Math.max(limitMs - this.#pace.fastMs, this.usualMs);
    return Math.max(sinceMs + limitMs, probes.unansweredSinceMs + ageLimitMs);
  }

  /**
   * When answers have stopped although the peer is heard: the age of the oldest probe is a lower bound of the RTT. A queue of
   * our own making slows the stream of answers while it grows, and loss makes gaps in it: both are granted their time.
   */
  unansweredAtMs(usable: boolean): number {
    const { probes, traffic, replyMs, rtt } = this.#evidence;
    if (!usable || probes.unansweredCount < UNANSWERED_PROBES) return Number.POSITIVE_INFINITY;
    const { failoverIntervalMs, evictRttMs } = this.#config;
    const { busy } = traffic;
    const busyLimitMs = Math.min(2 * failoverIntervalMs, Math.max(failoverIntervalMs, evictRttMs));
    const limitMs = busy ? busyLimitMs : Math.max(this.#pace.idleSilenceMs, evictRttMs);
    // Of an idle path the last answer is old anyway.
    const answeredMs = busy ? Math.max(replyMs, traffic.busySinceMs) : probes.unansweredSinceMs;
    const missedMs = this.#pace.fastMs * (Math.log(CHANCE) / Math.log(Math.min(0.9, probes.missedRatio)));
    const queueMs = this.#evidence.ownQueue(replyMs) ? Math.min(rtt.queueMs, LONGEST_QUEUE_MS) : 0;
    const allowedMs = answeredMs + Math.max(limitMs, missedMs) + queueMs;
    return Math.max(allowedMs, probes.unansweredSinceMs + this.usualMs);
  }

  /** An answer may well take this long; after a ramp of the RTT its variation says more than is reasonable. */
  get usualMs(): number {
    const { smoothedMs, variationMs } = this.#evidence.rtt;
    return Number.isNaN(smoothedMs) ? 0 : smoothedMs + Math.min(4 * variationMs, this.#config.failoverIntervalMs);
  }
}
