import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { WanbondError } from "../errors.ts";
import { createRunner } from "./command.ts";
import { acquireInstanceLock, type InstanceLock } from "./instance-lock.ts";
import { type FailedChange, SystemChanges } from "./system-changes.ts";

/**
 * Takes back what programs of a role left when they were killed, or were to leave when they stopped (a kill switch), and
 * tidies up the state directory. Programs that run are left alone.
 *
 * @returns what could not be taken back; it stays in the journal.
 */
export async function takeBackLeftovers(directory: string, role: string): Promise<readonly FailedChange[]> {
  if (!existsSync(directory)) return [];
  const failed: FailedChange[] = [];
  let isRunning = false;
  for (const name of namesOf(directory, role)) {
    const lock = lockIfFree(directory, name);
    if (lock === null) {
      isRunning = true;
      continue;
    }
    failed.push(...(await new SystemChanges(createRunner(), join(directory, `${name}.journal`)).recover()));
    lock.release();
  }
  if (!isRunning) rmSync(join(directory, `${role}.sock`), { force: true });
  if (readdirSync(directory).length === 0) rmdirSync(directory);
  return failed;
}

/** Programs that have a journal or a lock here, as "client-wb0". */
function namesOf(directory: string, role: string): string[] {
  const pattern = new RegExp(`^(${role}-.*)\\.(journal|lock)$`);
  return [...new Set(readdirSync(directory).flatMap((file) => pattern.exec(file)?.[1] ?? []))];
}

/** null: the program runs. */
function lockIfFree(directory: string, name: string): InstanceLock | null {
  try {
    return acquireInstanceLock(directory, name);
  } catch (error) {
    if (error instanceof WanbondError && error.code === "WB_RUNS_ALREADY") return null;
    throw error;
  }
}
