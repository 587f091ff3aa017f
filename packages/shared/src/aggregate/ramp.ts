import type { AggregateSink } from "./aggregate-sink.ts";
import type { Member } from "./member.ts";

/** Padding a path gets at most, in its life. */
const MOST_RAMP_BYTES = 4_000_000;
/** Of padding, at least: what a datagram of it takes from the allowance. */
const PADDING_BYTES = 1_400;
const LEAST_WAIT_MS = 0.5;

/**
 * Fills a new path with padding, as its gate allows, until its controller knows what the line carries: a TCP that finds
 * the rate not known yet leaves slow start for good long before the paths are full. Frames go first; metered paths get none.
 */
export class Ramp {
  /** Set while the sink is asked for padding: what it sends then is reported by the peer. */
  isPadding = false;
  /** When a path opens for more; set to Infinity by the owner, which calls `pump` when no frame waits. */
  wakeMs = Number.POSITIVE_INFINITY;
  readonly #sink: AggregateSink;

  constructor(sink: AggregateSink) {
    this.#sink = sink;
  }

  pump(live: readonly Member[], nowMs: number): void {
    for (const member of live) {
      if (!wantsPadding(member)) continue;
      this.#fill(member, nowMs);
      if (wantsPadding(member)) {
        this.wakeMs = Math.min(this.wakeMs, Math.max(member.controller.nextOpenMs(nowMs), nowMs + LEAST_WAIT_MS));
      }
    }
  }

  #fill(member: Member, nowMs: number): void {
    this.isPadding = true;
    while (wantsPadding(member) && member.isOpen(nowMs)) {
      member.rampBytes += PADDING_BYTES;
      if (!this.#sink.pad(member.number, nowMs)) break;
    }
    this.isPadding = false;
  }
}

function wantsPadding(member: Member): boolean {
  if (member.metered || member.isSuspect || member.rampBytes >= MOST_RAMP_BYTES) return false;
  return member.controller.phase === "startup";
}
