export interface WaitOptions {
  /** Names the condition in the error of a missed deadline. */
  readonly what: string;
  /** Default 10 s. */
  readonly deadlineMs?: number;
  /** Default 20 ms. */
  readonly intervalMs?: number;
}

/** Multiplies deadlines where everything takes longer, as in uml.ts. */
export const PATIENCE = Number(process.env["WANBOND_TEST_PATIENCE"] ?? 1);

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks until the condition gives a truthy value, and returns that value.
 * @throws Error that names the condition and its last value, when the deadline passes first.
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const deadlineMs = PATIENCE * (options.deadlineMs ?? 10_000);
  const startMs = performance.now();
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() - startMs > deadlineMs) {
      throw new Error(`${options.what}: not within ${deadlineMs} ms (last value: ${JSON.stringify(value)})`);
    }
    await sleep(options.intervalMs ?? 20);
  }
}
