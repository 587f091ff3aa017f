import type { EventLog } from "@wanbond/shared/control";
import type { ResponderDrop } from "@wanbond/shared/session";
import { formatEndpoint } from "@wanbond/shared/wire";

/** Anybody who knows our public key can make us say this; so it is said this often at most. */
const REPEAT_MS = 60_000;
/** A client that takes our answer shows it within a round trip. */
const PATIENCE_MS = 3_000;
/** After a longer pause a client begins anew. */
const PAUSE_MS = 10_000;

/** Refusals that an operator can do something about; the others are counted only. */
const SENTENCES: readonly (readonly [ResponderDrop, string])[] = [
  [
    "unknown-peer",
    "a client asks whose public key is nobody's here: it was revoked, or this file has another one than wanbond pubkey prints there",
  ],
  ["bad-version", "a client of another version asks: use the same version of wanbond on both sides"],
];

/** Says what is wrong with clients that ask in vain. */
export class HandshakeLog {
  readonly #log: EventLog;
  readonly #drops: Readonly<Record<ResponderDrop, number>>;
  readonly #seen = new Map<ResponderDrop, { count: number; saidMs: number }>();
  readonly #unconfirmed = new Map<string, { sinceMs: number; lastMs: number; said: boolean }>();

  /** @param drops of the responder; they count on. */
  constructor(log: EventLog, drops: Readonly<Record<ResponderDrop, number>>) {
    this.#log = log;
    this.#drops = drops;
  }

  /** The responder has looked at a datagram. @param endpoint whose: a record. */
  onHandled(endpoint: Int32Array, nowMs: number): void {
    for (const [reason, sentence] of SENTENCES) {
      const count = this.#drops[reason];
      const seen = this.#seen.get(reason) ?? { count: 0, saidMs: Number.NEGATIVE_INFINITY };
      const isNew = count > seen.count;
      const isDue = isNew && nowMs - seen.saidMs >= REPEAT_MS;
      this.#seen.set(reason, { count, saidMs: isDue ? nowMs : seen.saidMs });
      if (isDue) this.#log.warn({ event: "client-refused", reason, from: formatEndpoint(endpoint) }, sentence);
    }
  }

  /** A client has been answered; it is to confirm that with a first datagram under the new keys. */
  onAnswered(client: string, nowMs: number): void {
    const known = this.#unconfirmed.get(client);
    const isAnew = known === undefined || nowMs - known.lastMs > PAUSE_MS;
    const state = isAnew ? { sinceMs: nowMs, lastMs: nowMs, said: false } : { ...known, lastMs: nowMs };
    if (!state.said && nowMs - state.sinceMs >= PATIENCE_MS) {
      state.said = true;
      const fields = { event: "client-unconfirmed", client, answeredMs: Math.round(nowMs - state.sinceMs) };
      this.#log.warn(fields, "the client does not take our answers: compare presharedKeyFile on both sides");
    }
    this.#unconfirmed.set(client, state);
  }

  onConfirmed(client: string): void {
    this.#unconfirmed.delete(client);
  }
}
