import { bindChange } from "./bound-change.ts";
import { type Change, type Changes, placeOf, sameChange } from "./change.ts";
import type { Runner } from "./command.ts";
import { type Entry, Journal } from "./journal.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";

/** A change that could not be made or taken back. */
export interface FailedChange {
  readonly key: string;
  /** A sentence. */
  readonly problem: string;
}

/** What a reconciliation found to do. All empty: the system was as wanted. */
export interface ReconcileReport {
  /** Keys that were new or changed. */
  readonly applied: readonly string[];
  /** Keys that somebody or something had taken away, and that are there again. */
  readonly healed: readonly string[];
  /** Keys that are no longer wanted. */
  readonly undone: readonly string[];
  readonly failed: readonly FailedChange[];
}

/** Several reports as one. */
export function mergeReports(reports: readonly ReconcileReport[]): ReconcileReport {
  return {
    applied: reports.flatMap((report) => report.applied),
    healed: reports.flatMap((report) => report.healed),
    undone: reports.flatMap((report) => report.undone),
    failed: reports.flatMap((report) => report.failed),
  };
}

/**
 * Everything that one running program has changed in the system: rules, routes, addresses, settings, nft tables.
 *
 * A change has a key of the owner's choice ("uplink:isp1:rule4"). Owners describe what they want as data and call
 * reconcile; the first time makes it, later calls find nothing to do or mend what got lost. Calls wait for one another.
 */
export class SystemChanges {
  readonly #runner: Runner;
  readonly #journal: Journal;
  /** In the order in which they were made. A key stands twice while one change replaces another. */
  #entries: Entry[] = [];
  #lastCall: Promise<unknown> = Promise.resolve();

  /** @param journalFile in the state directory; its instance lock must be held. */
  constructor(runner: Runner, journalFile: string) {
    this.#runner = runner;
    this.#journal = new Journal(journalFile);
  }

  /**
   * Takes back what a killed run left behind. To be called once, before anything else.
   *
   * @param keeps keys of changes that stay in force and are ours from now on.
   * @returns what it could not take back.
   */
  recover(keeps: (key: string) => boolean = () => false): Promise<readonly FailedChange[]> {
    return this.#inTurn(async () => {
      this.#entries = [...this.#journal.read(), ...this.#entries];
      return this.#undoWhere(({ key }) => !keeps(key));
    });
  }

  /** Makes one change, or replaces the one of this key. @throws WanbondError when the system refuses. */
  apply(key: string, change: Change): Promise<void> {
    return this.#inTurn(() => this.#apply(key, change));
  }

  /**
   * Makes the changes whose keys start with `prefix` be exactly the wanted ones: takes back the others, makes what is
   * missing, mends what got lost in the kernel.
   *
   * @param wanted keys all start with the prefix.
   */
  reconcile(prefix: string, wanted: Changes): Promise<ReconcileReport> {
    return this.#inTurn(async () => {
      const unwanted = (key: string) => key.startsWith(prefix) && !wanted.has(key);
      const undone = this.#entries.map(({ key }) => key).filter(unwanted);
      const failed = await this.#undoWhere(({ key }) => unwanted(key));
      const snapshot = await readSnapshot(this.#runner, new Set([...wanted.values()].map(({ kind }) => kind)));
      const applied: string[] = [];
      const healed: string[] = [];
      for (const [key, change] of wanted) {
        const state = this.#stateOf(key, change, snapshot);
        if (state === "present") continue;
        try {
          await this.#apply(key, change);
          if (state !== "unknown") (state === "new" ? applied : healed).push(key);
        } catch (error) {
          failed.push({ key, problem: messageOf(error) }); // the owner is told; the next call tries again
        }
      }
      return { applied, healed, undone, failed };
    });
  }

  /**
   * Takes everything back, the last change first. What cannot be taken back stays in the journal.
   *
   * @param keeps keys of changes that stay in force, in the journal, until another run takes them back.
   */
  undoAll(keeps: (key: string) => boolean = () => false): Promise<readonly FailedChange[]> {
    return this.#inTurn(() => this.#undoWhere(({ key }) => !keeps(key)));
  }

  #stateOf(key: string, change: Change, snapshot: Snapshot): "new" | "present" | "missing" | "unknown" {
    const entry = this.#find(key);
    if (entry === undefined || !sameChange(entry.change, change)) return "new";
    return bindChange(change).presence(snapshot);
  }

  async #apply(key: string, change: Change): Promise<void> {
    const old = this.#find(key);
    if (old !== undefined && placeOf(old.change) === placeOf(change)) {
      await this.#applyOver(old, change);
      return;
    }
    const bound = bindChange(change);
    const entry = { key, change, before: await bound.before(this.#runner) };
    this.#setEntries([...this.#entries, entry]);
    try {
      await bound.apply(this.#runner, entry.before);
    } catch (error) {
      await this.#undoEntry(entry).catch(() => {}); // stays in the journal; the first fault is the one to tell
      throw error;
    }
    if (old !== undefined) await this.#undoEntry(old);
  }

  /** The same place in the kernel gets a new value; what was there before the first one stays remembered. */
  async #applyOver(old: Entry, change: Change): Promise<void> {
    const entry = { ...old, change };
    this.#setEntries(this.#entries.map((other) => (other === old ? entry : other)));
    await bindChange(change).apply(this.#runner, entry.before);
  }

  async #undoWhere(matches: (entry: Entry) => boolean): Promise<FailedChange[]> {
    const failed: FailedChange[] = [];
    for (const entry of this.#entries.filter(matches).reverse()) {
      try {
        await this.#undoEntry(entry);
      } catch (error) {
        failed.push({ key: entry.key, problem: messageOf(error) }); // the others are still to be taken back
      }
    }
    return failed;
  }

  async #undoEntry(entry: Entry): Promise<void> {
    await bindChange(entry.change).undo(this.#runner, entry.before);
    this.#setEntries(this.#entries.filter((other) => other !== entry));
  }

  /** The journal first: a change that is not in it is not made. */
  #setEntries(entries: Entry[]): void {
    this.#journal.write(entries);
    this.#entries = entries;
  }

  #find(key: string): Entry | undefined {
    return this.#entries.findLast((entry) => entry.key === key);
  }

  #inTurn<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = this.#lastCall.then(call);
    this.#lastCall = result.catch(() => {}); // its own caller gets the fault; the next call starts nevertheless
    return result;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
