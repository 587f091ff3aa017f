const NONE = -1;

/**
 * Whose turn it is: deficit round robin over the flows of a queue, those that have just begun to send first.
 *
 * Source: RFC 8290 section 4.2, M. Shreedhar and G. Varghese, "Efficient fair queuing using deficit round-robin", 1995.
 */
export class FlowRounds {
  readonly #quantumBytes: number;
  readonly #deficits: Int32Array;
  /** The flow behind this one in its list. */
  readonly #next: Int32Array;
  readonly #isListed: Uint8Array;
  #newHead = NONE;
  #newTail = NONE;
  #oldHead = NONE;
  #oldTail = NONE;

  constructor(flowCount: number, quantumBytes: number) {
    this.#quantumBytes = quantumBytes;
    this.#deficits = new Int32Array(flowCount);
    this.#next = new Int32Array(flowCount).fill(NONE);
    this.#isListed = new Uint8Array(flowCount);
  }

  /** A flow has something to send. */
  join(flow: number): void {
    if (this.#isListed[flow] === 1) return;
    this.#isListed[flow] = 1;
    this.#deficits[flow] = this.#quantumBytes;
    this.#next[flow] = NONE;
    if (this.#newTail === NONE) this.#newHead = flow;
    else this.#next[this.#newTail] = flow;
    this.#newTail = flow;
  }

  /** @returns the flow whose turn it is, or -1; the same again until it spends or a new flow joins. */
  turn(): number {
    for (;;) {
      const flow = this.#newHead !== NONE ? this.#newHead : this.#oldHead;
      if (flow === NONE || (this.#deficits[flow] ?? 0) > 0) return flow;
      this.#deficits[flow] = (this.#deficits[flow] ?? 0) + this.#quantumBytes;
      this.#takeFirst();
      this.#appendOld(flow);
    }
  }

  spend(flow: number, bytes: number): void {
    this.#deficits[flow] = (this.#deficits[flow] ?? 0) - bytes;
  }

  /** The flow whose turn it is has nothing to send: it leaves, or, if it was a new one, waits behind the old ones. */
  pass(): void {
    const wasNew = this.#newHead !== NONE;
    const flow = this.#takeFirst();
    if (wasNew && this.#oldHead !== NONE) this.#appendOld(flow);
    else this.#isListed[flow] = 0;
  }

  #takeFirst(): number {
    if (this.#newHead !== NONE) {
      const flow = this.#newHead;
      this.#newHead = this.#next[flow] ?? NONE;
      if (this.#newHead === NONE) this.#newTail = NONE;
      return flow;
    }
    const flow = this.#oldHead;
    this.#oldHead = this.#next[flow] ?? NONE;
    if (this.#oldHead === NONE) this.#oldTail = NONE;
    return flow;
  }

  #appendOld(flow: number): void {
    this.#next[flow] = NONE;
    if (this.#oldTail === NONE) this.#oldHead = flow;
    else this.#next[this.#oldTail] = flow;
    this.#oldTail = flow;
  }
}
