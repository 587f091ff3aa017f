import { setTimeout as pause } from "node:timers/promises";
import type { SideSocket } from "./side-socket.ts";

/** RFC 791 asks for 576 of every host; nobody's line carries less. */
const SMALLEST_BYTES = 576;
const COPIES = 3;
const RATE_KBPS = 10_000;
const POLLS = 3;
/** A line of seconds would take minutes to the last byte. */
const TIME_MS = 14_000;

export interface FoundMtu {
  readonly bytes: number | null;
  readonly exact: boolean;
}

/** Whether an IP packet of this size comes through. */
type Try = (sizeBytes: number) => Promise<boolean>;

/** Largest IP packet that comes through, found by halving; null when not even the smallest does. */
export async function searchMtu(attempt: Try, largestBytes: number, nowMs: () => number): Promise<FoundMtu> {
  const endMs = nowMs() + TIME_MS;
  if (await attempt(largestBytes)) return { bytes: largestBytes, exact: true };
  if (!(await attempt(SMALLEST_BYTES))) return { bytes: null, exact: true };
  let good = SMALLEST_BYTES;
  let bad = largestBytes;
  let size = good;
  while (bad - good > 1 && nowMs() < endMs) {
    size = nextSize(good, bad, size);
    if (await attempt(size)) good = size;
    else bad = size;
  }
  return { bytes: good, exact: bad - good === 1 };
}

/** Largest packets that lines have: PPPoE, IPv6's minimum, tunnels. Where one comes through, the next larger size is tried. */
const USUAL_BYTES: readonly number[] = [1492, 1280, 1400, 1460];

function nextSize(good: number, bad: number, last: number): number {
  if (last === good && USUAL_BYTES.includes(good)) return good + 1;
  return USUAL_BYTES.find((size) => size > good && size < bad) ?? Math.floor((good + bad) / 2);
}

/** From here to the concentrator. */
export function tryUp(socket: SideSocket, patienceMs: number): Try {
  return async (sizeBytes) => {
    const train = socket.channel.newTrain();
    socket.ask({ type: "train", train, rateKbps: RATE_KBPS, bytes: COPIES * sizeBytes, sizeBytes });
    return polled(socket, train, patienceMs, ({ answer }) => answer.received);
  };
}

/** From the concentrator to here. @param token of this socket. */
export function tryDown(socket: SideSocket, patienceMs: number, token: number): Try {
  return async (sizeBytes) => {
    const train = socket.channel.newTrain();
    // More than once, as the question itself may be lost.
    for (let i = 0; i < 2; i++) {
      socket.ask({ type: "load", train, token, rateKbps: RATE_KBPS, bytes: COPIES * sizeBytes, sizeBytes });
    }
    return polled(socket, train, patienceMs, ({ here }) => here.received);
  };
}

async function polled(
  socket: SideSocket,
  train: number,
  patienceMs: number,
  receivedOf: (observation: NonNullable<Awaited<ReturnType<SideSocket["observe"]>>>) => number,
): Promise<boolean> {
  for (let i = 0; i < POLLS; i++) {
    await pause(patienceMs / POLLS / 3);
    const observation = await socket.observe(patienceMs / 2, { train });
    if (observation !== null && receivedOf(observation) > 0) return true;
  }
  return false;
}
