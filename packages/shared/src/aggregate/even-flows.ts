import { FLOW_NUMBERS, type FrameView, PROTOCOL_TCP, PROTOCOL_UDP, sourceHash, TCP_SYN } from "../packet/index.ts";
import { BulkSources } from "./bulk-sources.ts";

const UDP_HEADER_BYTES = 8;
const QUIC_PORT = 443;
/** Header form and fixed bit of QUIC's long headers (RFC 9000 section 17.2), which begin a connection. */
const QUIC_LONG = 0xc0;
/** A flow number without frames for so long has no connection that a new one could confuse. */
const QUIET_MS = 2_000;
/** One frame stands for so many when hosts are compared; a prime, since many things go in powers of two. */
const SAMPLED_FRAMES = 7;

/**
 * Says which flows are even: the far end gives all of their frames the delay of the slower lines, from the first on.
 *
 * A connection keeps about twice as much under way as its least round trip takes (BBR), or grows until its round trip gets
 * longer (HyStart). So one that has seen the soonest line's delay never fills slower lines. That is what an even flow does
 * not see; it costs it the time by which it is later. So a flow is even only if it comes from a host that was seen to send
 * more than the soonest line carries, and only from its start: a delay that rises later is what it must not see.
 */
export class EvenFlows {
  readonly sources = new BulkSources();
  readonly #isEven = new Uint8Array(FLOW_NUMBERS);
  /** Whose flow it is that is even: others may share its number. */
  readonly #sources = new Int32Array(FLOW_NUMBERS);
  #unsampled = 0;
  readonly #lastMs = new Float64Array(FLOW_NUMBERS).fill(Number.NEGATIVE_INFINITY);

  /**
   * Call for every frame, in order.
   * @param mayBeEven the far end gives even flows the delay of more than one path.
   */
  isEven(view: FrameView, flow: number, bytes: number, mayBeEven: boolean, nowMs: number): boolean {
    const { protocol, pool, l4Offset } = view;
    if (l4Offset < 0 || (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP)) return false;
    if (++this.#unsampled === SAMPLED_FRAMES) {
      this.#unsampled = 0;
      this.sources.onFrame(sourceHash(view), SAMPLED_FRAMES * bytes);
    }
    const begins =
      protocol === PROTOCOL_TCP
        ? (view.tcpFlags & TCP_SYN) !== 0
        : view.sourcePort === QUIC_PORT && ((pool[l4Offset + UDP_HEADER_BYTES] ?? 0) & QUIC_LONG) === QUIC_LONG;
    if (begins && nowMs - (this.#lastMs[flow] ?? 0) >= QUIET_MS) {
      const source = sourceHash(view);
      this.#isEven[flow] = mayBeEven && this.sources.has(source, nowMs) ? 1 : 0;
      this.#sources[flow] = source;
    }
    this.#lastMs[flow] = nowMs;
    return this.#isEven[flow] === 1 && this.#sources[flow] === sourceHash(view);
  }
}
