/** Runs of a client that are remembered, and for how long: two programs with one key take turns within seconds. */
const MAX_RUNS = 4;
const REMEMBERED_MS = 600_000;
/** What goes on being wrong is said again this often. */
const REPEAT_MS = 60_000;

interface Runs {
  readonly seen: { readonly runId: number; atMs: number }[];
  saidMs: number;
}

/**
 * Finds out that two programs run with one client's key. Each start draws a run number, and a program that has started
 * anew never shows its old one again; so a number that returns after another one belongs to a second program.
 */
export class RunIdentities {
  readonly #runs = new Map<string, Runs>();

  /** A handshake of this client. @returns whether it is to be said now that its key is in use twice. */
  onHandshake(client: string, runId: number, nowMs: number): boolean {
    const runs = this.#runs.get(client) ?? { seen: [], saidMs: Number.NEGATIVE_INFINITY };
    this.#runs.set(client, runs);
    const { seen } = runs;
    const known = seen.findIndex((run) => run.runId === runId);
    const isReturn = known > 0 && nowMs - (seen[known]?.atMs ?? 0) < REMEMBERED_MS;
    if (known >= 0) seen.splice(known, 1);
    seen.unshift({ runId, atMs: nowMs });
    seen.length = Math.min(seen.length, MAX_RUNS);
    if (!isReturn || nowMs - runs.saidMs < REPEAT_MS) return false;
    runs.saidMs = nowMs;
    return true;
  }

  forget(client: string): void {
    this.#runs.delete(client);
  }
}
