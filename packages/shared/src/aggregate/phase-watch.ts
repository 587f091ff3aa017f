import type { AggregateEvent } from "./aggregate-sink.ts";
import type { ControllerPhase, PathController } from "./path-controller.ts";

/** So many changes of one member are told as they come, and one more each time this has passed: the log is for others, too. */
const MOST_AT_ONCE = 8;
const EACH_MS = 30_000;

/** Tells when the controller of a line goes over to another phase, with the numbers it stands at then. */
export class PhaseWatch {
  #toldPhase: ControllerPhase;
  #seenPhase: ControllerPhase;
  /** Seen since one was told. */
  #changeCount = 0;
  /** EACH_MS later with every change that is told, never before now. */
  #spentUntilMs = Number.NEGATIVE_INFINITY;

  /** @param phase of the controller at the start: no change. */
  constructor(phase: ControllerPhase) {
    this.#toldPhase = phase;
    this.#seenPhase = phase;
  }

  /** Call from time to time; what comes and goes between two calls is not seen. @returns null: nothing to tell. */
  look(path: number, controller: PathController, nowMs: number): AggregateEvent | null {
    const { phase } = controller;
    if (phase !== this.#seenPhase) this.#changeCount++;
    this.#seenPhase = phase;
    if (phase === this.#toldPhase || this.#spentUntilMs - nowMs > (MOST_AT_ONCE - 1) * EACH_MS) return null;
    this.#spentUntilMs = Math.max(nowMs, this.#spentUntilMs) + EACH_MS;
    const { rateKbps, plrRatio: lossRatio, lineQueueMs: queueMs, rttMinMs } = controller.explain(nowMs);
    const [from, changeCount] = [this.#toldPhase, this.#changeCount];
    this.#toldPhase = phase;
    this.#changeCount = 0;
    return { type: "line-phase", path, from, to: phase, changeCount, rateKbps, lossRatio, queueMs, rttMinMs };
  }
}
