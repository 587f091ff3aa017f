import { FLOW_NUMBERS, type FrameView, PROTOCOL_TCP, PROTOCOL_UDP, TCP_SYN } from "../packet/index.ts";
import { RateLimits } from "./rate-limits.ts";
import { RealtimeRules } from "./realtime-rules.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Longer frames are real-time only when they say so themselves. */
const MAX_FRAME_BYTES = 400;
/** Class selector 5, and what is above it: voice admit, EF, CS6, CS7 (RFC 2474, 3246, 5865). */
const LEAST_DSCP = 40;

/** A flow that sends more than this, all frames counted, is not sparse: 600 kbit/s. */
const FLOW_BYTES_PER_MS = 75;
const FLOW_BURST_MS = 500;
/** Of small frames alone: more than calls and games send, less than a transfer's QUIC acknowledgements. */
const SMALL_FRAMES_PER_MS = 0.4;
const SMALL_BURST_MS = 200;

/** Of the bond: all real-time frames together, since no gate holds them. */
const MOST_SHARE = 0.5;
const SHARE_BURST_MS = 100;
const SHARE_LEAST_BURST_BYTES = 6_000;
/** As long as the rate of the paths is not known: 1 Mbit/s. */
const UNKNOWN_BYTES_PER_MS = 125;

const DNS_PORT = 53;
const TCP_ACK = 0x10;
/** URG ACK PSH RST SYN FIN. */
const TCP_FLAGS = 0x3f;

/**
 * Finds the frames that are to go out at once: what the user has named, what says so itself (DSCP), and what is small and
 * sparse by its behaviour (calls, games, a hand at a keyboard, handshakes, DNS). It must see every frame of a direction once,
 * in order.
 *
 * A call that shares its flow number with a transfer counts as transfer. What is not TCP or UDP is judged alike.
 */
export class RealtimeFilter {
  /** Frames found, by what told; and those that would have been, but the real-time share of the bond was used up. */
  readonly counters = { named: 0, marked: 0, opening: 0, sparse: 0, overShare: 0 };
  readonly #flows = new RateLimits(FLOW_NUMBERS, FLOW_BYTES_PER_MS, FLOW_BURST_MS);
  readonly #smallFrames = new RateLimits(FLOW_NUMBERS, SMALL_FRAMES_PER_MS, SMALL_BURST_MS);
  readonly #share = new TokenBucket(SHARE_BURST_MS, SHARE_LEAST_BURST_BYTES);

  readonly #rules: RealtimeRules;

  /** @param named rules as RealtimeRules takes them. */
  constructor(named: readonly string[] = []) {
    this.#rules = new RealtimeRules(named);
    this.setRate(Number.NaN, 0);
  }

  /** @param bytesPerMs what the usable paths carry together; NaN when it is not known. */
  setRate(bytesPerMs: number, nowMs: number): void {
    this.#share.setRate((bytesPerMs > 0 ? bytesPerMs : UNKNOWN_BYTES_PER_MS) * MOST_SHARE, nowMs);
  }

  isRealtime(view: FrameView, flow: number, nowMs: number): boolean {
    const bytes = view.ipOffset < 0 ? view.end - view.offset : view.ipEnd - view.ipOffset;
    const isSparse = this.#isSparse(view, flow, bytes, nowMs);
    const isMarked = view.dscp >= LEAST_DSCP;
    const isOpening = bytes <= MAX_FRAME_BYTES && opensSomething(view);
    const isNamed = !this.#rules.isEmpty && this.#rules.covers(view);
    if (!isNamed && !isMarked && !isOpening && !isSparse) return false;
    if (!this.#share.take(bytes, nowMs)) {
      this.counters.overShare++;
      return false;
    }
    if (isNamed) this.counters.named++;
    else if (isMarked) this.counters.marked++;
    else if (isOpening) this.counters.opening++;
    else this.counters.sparse++;
    return true;
  }

  /** Every limit sees every frame that it is about, whatever another has said. */
  #isSparse(view: FrameView, flow: number, bytes: number, nowMs: number): boolean {
    const isFlowAbove = this.#flows.add(flow, bytes, nowMs);
    if (bytes > MAX_FRAME_BYTES) return false;
    const isRateAbove = this.#smallFrames.add(flow, 1, nowMs);
    return !isFlowAbove && !isRateAbove && !isPureTcpAck(view);
  }
}

/** The first frame of a TCP connection, either way, and DNS: somebody waits for each, and they overtake nothing of their own. */
function opensSomething(view: FrameView): boolean {
  if (view.protocol === PROTOCOL_TCP) return (view.tcpFlags & TCP_SYN) !== 0;
  return view.protocol === PROTOCOL_UDP && (view.sourcePort === DNS_PORT || view.destinationPort === DNS_PORT);
}

/**
 * Nobody waits for one, and it must not come sooner than those of the same connection in the queue do later: a TCP takes a
 * rise of the round trip for a full line.
 */
export function isPureTcpAck(view: FrameView): boolean {
  if (view.protocol !== PROTOCOL_TCP || (view.tcpFlags & TCP_FLAGS) !== TCP_ACK) return false;
  const headerBytes = ((view.pool[view.l4Offset + 12] ?? 0) >> 4) * 4;
  return view.ipEnd - view.l4Offset <= headerBytes;
}
