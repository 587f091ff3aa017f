/** Runs of a client that are remembered, and for how long: two programs with one key take turns within seconds. */
const MAX_RUNS = 8;
const REMEMBERED_MS = 600_000;
/** So many new runs within this time are no restarts by hand. */
const CHURN_RUNS = 6;
const CHURN_MS = 60_000;
/** What goes on being wrong is said again this often. */
const REPEAT_MS = 60_000;

interface Run {
  readonly runId: number;
  /** Of its first handshake. */
  readonly sinceMs: number;
  atMs: number;
}

interface Runs {
  /** Newest handshake first. */
  readonly seen: Run[];
  saidMs: number;
}

/**
 * Finds out that two programs run with one client's key. Each start draws a run number, and so does a program whose
 * session was taken away. A number that returns after another one belongs to a second program; and nobody starts a client
 * every few seconds.
 */
export class RunIdentities {
  readonly #runs = new Map<string, Runs>();

  /** A handshake of this client. @returns whether it is to be said now that its key seems to be in use twice. */
  onHandshake(client: string, runId: number, nowMs: number): boolean {
    const runs = this.#runs.get(client) ?? { seen: [], saidMs: Number.NEGATIVE_INFINITY };
    this.#runs.set(client, runs);
    const isShared = isReturn(runs.seen, runId, nowMs) || isChurn(runs.seen, runId, nowMs);
    note(runs.seen, runId, nowMs);
    if (!isShared || nowMs - runs.saidMs < REPEAT_MS) return false;
    runs.saidMs = nowMs;
    return true;
  }

  forget(client: string): void {
    this.#runs.delete(client);
  }
}

function isReturn(seen: readonly Run[], runId: number, nowMs: number): boolean {
  const place = seen.findIndex((run) => run.runId === runId);
  return place > 0 && nowMs - (seen[place]?.atMs ?? 0) < REMEMBERED_MS;
}

function isChurn(seen: readonly Run[], runId: number, nowMs: number): boolean {
  if (seen.some((run) => run.runId === runId)) return false;
  return seen.filter(({ sinceMs }) => nowMs - sinceMs < CHURN_MS).length >= CHURN_RUNS - 1;
}

function note(seen: Run[], runId: number, nowMs: number): void {
  const place = seen.findIndex((run) => run.runId === runId);
  const [known] = place < 0 ? [] : seen.splice(place, 1);
  seen.unshift({ runId, sinceMs: known?.sinceMs ?? nowMs, atMs: nowMs });
  seen.length = Math.min(seen.length, MAX_RUNS);
}
