import { readStatus } from "../control/index.ts";
import { WanbondError } from "../errors.ts";
import type { ProgramFacts } from "./facts.ts";

/** The program that answers on a control socket, and its bonds' addresses. null: none does. */
export async function readProgram(
  socketPath: string,
): Promise<{ readonly facts: ProgramFacts; readonly addresses: readonly string[] } | null> {
  try {
    const { pid, uptimeMs, drops, bonds } = await readStatus(socketPath);
    const states = bonds.map(({ peer, state }) => ({ peer, state }));
    return { facts: { pid, uptimeMs, drops, bonds: states }, addresses: bonds.flatMap(({ addresses }) => addresses) };
  } catch (error) {
    if (error instanceof WanbondError) return null; // Nobody there, or nobody who answers us.
    throw error;
  }
}
