import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { EX_TEMPFAIL, WanbondError } from "../errors.ts";
import { MAX_INSTANCES } from "./names.ts";

const Holder = z.object({ pid: z.number(), startTicks: z.string(), name: z.string() });
type Holder = z.infer<typeof Holder>;

/** A running program of one role on one TAP. */
export interface InstanceLock {
  /** Below MAX_INSTANCES; no other running program of this state directory has it. Chooses tables and priorities. */
  readonly number: number;
  release(): void;
}

/**
 * Locks a name such as "client-wb0" and picks an instance number, the one of an earlier run of this name if it is free.
 *
 * @param directory exists. @throws WanbondError when a program of this name runs already.
 */
export function acquireInstanceLock(directory: string, name: string): InstanceLock {
  const nameFile = join(directory, `${name}.lock`);
  const other = lock(nameFile, name);
  if (other !== null) {
    const sentence = `wanbond runs already as ${name} (PID ${other.pid}). Stop it first, or give this one another tap.`;
    throw new WanbondError("WB_RUNS_ALREADY", EX_TEMPFAIL, sentence);
  }
  const number = preferredNumbers(directory, name).find((each) => lock(numberFile(directory, each), name) === null);
  if (number === undefined) {
    rmSync(nameFile, { force: true });
    const sentence = `${MAX_INSTANCES} wanbond programs run in this network namespace; there can be no more. Stop one of them.`;
    throw new WanbondError("WB_TOO_MANY_INSTANCES", EX_TEMPFAIL, sentence);
  }
  return {
    number,
    release: () => {
      rmSync(numberFile(directory, number), { force: true });
      rmSync(nameFile, { force: true });
    },
  };
}

/** A program that holds an instance lock and lives. */
export interface LiveInstance {
  readonly number: number;
  /** ROLE-TAP */
  readonly name: string;
  readonly pid: number;
}

/** The programs of a state directory that run at this moment. */
export function liveInstances(directory: string): LiveInstance[] {
  return Array.from({ length: MAX_INSTANCES }, (_, number) => number).flatMap((number) => {
    const holder = readHolder(numberFile(directory, number));
    return holder !== null && isAlive(holder) ? [{ number, name: holder.name, pid: holder.pid }] : [];
  });
}

/** Ours of before a kill, then the never used, then those that dead programs of other names left: their rules may still stand. */
function preferredNumbers(directory: string, name: string): number[] {
  const rank = (number: number) => {
    const holder = readHolder(numberFile(directory, number));
    return holder === null ? 1 : holder.name === name ? 0 : 2;
  };
  return Array.from({ length: MAX_INSTANCES }, (_, number) => number).sort((a, b) => rank(a) - rank(b) || a - b);
}

function numberFile(directory: string, number: number): string {
  return join(directory, `instance-${number}.lock`);
}

/** @returns null when the file is ours now, else who holds it. */
function lock(file: string, name: string): Holder | null {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startTicks: startTicks(process.pid), name }), { mode: 0o600 });
  try {
    for (;;) {
      if (tryLink(mine, file)) return null;
      const holder = readHolder(file);
      if (holder !== null && isAlive(holder)) return holder;
      removeStale(file, holder);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** A link is made whole or not at all: nobody ever reads a half-written lock. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Moves the dead program's lock away; if another starter was faster and we took its fresh one, it gets it back. */
function removeStale(file: string, expected: Holder | null): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    const taken = readHolder(aside);
    if (taken !== null && taken.pid !== expected?.pid && isAlive(taken)) tryLink(aside, file);
  } catch {
    // The file is gone already: the next round of the loop finds out who was faster.
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(file: string): Holder | null {
  try {
    return Holder.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null; // no file, or nothing that a program of ours wrote
  }
}

/** A PID is given anew after a while, but not with the same start time. */
function isAlive({ pid, startTicks: started }: Holder): boolean {
  return startTicks(pid) === started;
}

/** Field 22 of /proc/PID/stat, counted behind the command name, which may hold spaces; empty when there is no such process. */
function startTicks(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
