import type { Namespace } from "./netns.ts";
import { waitFor } from "./wait.ts";

/** Whether one ping is answered within half a second. */
export async function answers(from: Namespace, address: string): Promise<boolean> {
  const output = await from.exec(["ping", "-n", "-c", "1", "-W", "0.5", address], { accept: [0, 1, 2] });
  return output.includes(" 1 received");
}

/** Pings until there is an answer. @returns how long it took. */
export async function untilAnswers(from: Namespace, address: string, deadlineMs = 20_000): Promise<number> {
  const startMs = performance.now();
  await waitFor(() => answers(from, address), { what: `${address} answers`, deadlineMs });
  return performance.now() - startMs;
}
