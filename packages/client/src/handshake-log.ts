import type { EventLog } from "@wanbond/shared/control";
import type { InitiatorEvent } from "@wanbond/shared/session";

/** Longer than a start of the concentrator and a slow line together take. */
const PATIENCE_MS = 5_000;
/** What goes on being wrong is said again this often. */
const REPEAT_MS = 60_000;

/** Says in the log how the handshake goes, and what to look at when it does not. */
export class HandshakeLog {
  readonly #log: EventLog;
  readonly #endpoints: readonly string[];
  #askingSinceMs = Number.NaN;
  #saidMs = Number.NEGATIVE_INFINITY;

  /** @param endpoints of the concentrator, as text. */
  constructor(log: EventLog, endpoints: readonly string[]) {
    this.#log = log;
    this.#endpoints = endpoints;
  }

  onEstablished(): void {
    this.#askingSinceMs = Number.NaN;
    this.#saidMs = Number.NEGATIVE_INFINITY;
  }

  onEvent(event: InitiatorEvent, nowMs: number): void {
    if (Number.isNaN(this.#askingSinceMs)) this.#askingSinceMs = nowMs;
    if (event === "response-refused") this.#onRefused(nowMs);
    else if (event === "expired") this.#onExpired();
    else {
      this.#log.debug({ event: "handshake", step: event }, "handshake");
      this.#onAsked(nowMs);
    }
  }

  #onRefused(nowMs: number): void {
    if (!this.#mayRepeat(nowMs)) return;
    const sentence = "the concentrator's answer does not fit: compare presharedKeyFile on both sides";
    this.#log.warn({ event: "handshake-refused" }, sentence);
  }

  #onExpired(): void {
    this.#log.warn({ event: "keys-expired" }, "no new keys for three minutes: nothing is sent until there are");
  }

  #onAsked(nowMs: number): void {
    const askedMs = Math.round(nowMs - this.#askingSinceMs);
    if (askedMs < PATIENCE_MS || !this.#mayRepeat(nowMs)) return;
    const fields = { event: "no-answer", endpoints: this.#endpoints, askedMs };
    const sentence =
      "the concentrator does not answer: is it running and its UDP port open, and are the keys those of each other? It is silent to whom it does not know";
    this.#log.warn(fields, sentence);
  }

  #mayRepeat(nowMs: number): boolean {
    if (nowMs - this.#saidMs < REPEAT_MS) return false;
    this.#saidMs = nowMs;
    return true;
  }
}
