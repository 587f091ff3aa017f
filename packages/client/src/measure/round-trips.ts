import { setTimeout as pause } from "node:timers/promises";
import type { SideSocket } from "./side-socket.ts";
import { type RoundTrips, roundTripFigures } from "./statistics.ts";

/** The last answers are waited for this long. */
const PATIENCE_MS = 2_000;

/** Round trips of questions sent at a fixed pace. */
export async function measureRoundTrips(
  socket: SideSocket,
  { count, intervalMs }: { readonly count: number; readonly intervalMs: number },
): Promise<RoundTrips> {
  const rtts: number[] = [];
  const waits: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    waits.push(observeInto(socket, rtts));
    await pause(intervalMs);
  }
  await Promise.all(waits);
  return roundTripFigures(count, rtts);
}

/** Round trips for as long as something else goes on: what it does to this line. */
export class RoundTripWatch {
  readonly #rtts: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(socket: SideSocket, intervalMs: number) {
    this.#timer = setInterval(() => {
      this.#sent++;
      void observeInto(socket, this.#rtts);
    }, intervalMs);
  }

  /** What was answered until now. */
  stop(): RoundTrips {
    clearInterval(this.#timer);
    return roundTripFigures(this.#sent, this.#rtts);
  }
}

async function observeInto(socket: SideSocket, rtts: number[]): Promise<void> {
  const observation = await socket.observe(PATIENCE_MS);
  if (observation !== null) rtts.push(observation.sinceAskedMs);
}
