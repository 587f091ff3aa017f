import type { Namespace } from "./netns.ts";
import { parsePing } from "./traffic.ts";
import { waitFor } from "./wait.ts";

/** Whether one ping is answered within half a second. */
export async function answers(from: Namespace, address: string): Promise<boolean> {
  const output = await from.exec(["ping", "-n", "-c", "1", "-W", "0.5", address], { accept: [0, 1, 2] });
  return output.includes(" 1 received");
}

/**
 * Sends all at once and waits for the answers for a second. Of pings that are sent one after the other the last would seem lost
 * when its answer is a little late: once others were answered, iputils waits no longer for it than an interval or two of
 * their round trips, whatever -W says. @returns what ping says.
 */
export function pingAtOnce(
  from: Namespace,
  address: string,
  count: number,
  ...options: readonly string[]
): Promise<string> {
  const command = ["ping", "-n", "-c", `${count}`, "-l", `${count}`, "-i", "1", "-W", "1", ...options, address];
  return from.exec(command, { accept: [0, 1] });
}

/** @returns how many of ten pings were answered. */
export async function answersOfTen(from: Namespace, address: string, ...options: readonly string[]): Promise<number> {
  return parsePing(await pingAtOnce(from, address, 10, ...options)).received;
}

/** Pings until there is an answer. @returns how long it took. */
export async function untilAnswers(from: Namespace, address: string, deadlineMs = 20_000): Promise<number> {
  const startMs = performance.now();
  await waitFor(() => answers(from, address), { what: `${address} answers`, deadlineMs });
  return performance.now() - startMs;
}
