import { join } from "node:path";
import { EX_UNAVAILABLE, WanbondError } from "../errors.ts";
import type { Shell } from "./shell.ts";

/** Which programs a command asks. */
export interface ProgramChoice {
  /** undefined: the sockets of both programs in this network namespace. */
  readonly socket: string | undefined;
}

export function socketsOf(shell: Shell, choice: ProgramChoice): string[] {
  if (choice.socket !== undefined) return [choice.socket];
  return ["client.sock", "concentrator.sock"].map((name) => join(shell.stateDirectory(), name));
}

interface Answer<T> {
  readonly socket: string;
  readonly answer: T;
}

/** The answers of those that run. A refusal is told only when nobody answers at all. */
export async function askAll<T>(sockets: readonly string[], ask: (socket: string) => Promise<T>): Promise<Answer<T>[]> {
  const results = await Promise.allSettled(sockets.map(async (socket) => ({ socket, answer: await ask(socket) })));
  const answers = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (answers.length > 0) return answers;
  const errors = results.flatMap((result): unknown[] => (result.status === "rejected" ? [result.reason] : []));
  const refusal = errors.find((error) => !isNotRunning(error));
  if (refusal !== undefined || errors.length === 1) throw refusal ?? errors[0];
  const message = `No wanbond runs in this network namespace: nothing answers on ${sockets.join(" or ")}.`;
  const remedy = "Start one, or name its socket with --socket PATH.";
  throw new WanbondError("WB_NOT_RUNNING", EX_UNAVAILABLE, `${message} ${remedy}`);
}

export function isNotRunning(error: unknown): boolean {
  return error instanceof WanbondError && error.code === "WB_NOT_RUNNING";
}
