import { setTimeout as pause } from "node:timers/promises";
import type { DirectionCapacity } from "@wanbond/shared/control";
import { RoundTripWatch } from "./round-trips.ts";
import type { SideSocket } from "./side-socket.ts";

const FIRST_KBPS = 500;
const LARGEST_KBPS = 900_000;
/** Trains get so much faster until one does not come through as it was sent. */
const GROWTH = 3;
const TRAIN_MS = 400;
/** The last one, for the figure itself. Longer than the queue of a line takes to fill. */
const FINAL_MS = 1_200;
/** A delivered rate below this part of the offered one is that of the line. */
const FULL_RATIO = 0.9;
const FEWEST_DATAGRAMS = 12;
/** The far end sends no more at once (docs/wire-format.md). */
const LARGEST_TRAIN_BYTES = 32_000_000;
const WATCH_INTERVAL_MS = 50;
const METERED_WATCH_INTERVAL_MS = 200;
const POLL_MS = 120;
const DRAIN_MS = 4_000;
const LOAD_TRIES = 3;

/** What came of one train. */
export interface TrainOutcome {
  readonly offeredKbps: number;
  readonly sentCount: number;
  readonly received: number;
  readonly bytes: number;
  readonly spanMs: number;
}

/** Sends one train over a line, in the direction in question, and tells what came of it. null: no answer at all. */
export type RunTrain = (rateKbps: number, bytes: number) => Promise<TrainOutcome | null>;

/** @returns NaN when too few arrived to tell. The first datagram opens the span, so its bytes do not count. */
export function deliveredKbps({ received, bytes, spanMs }: TrainOutcome): number {
  if (received < 2 || spanMs <= 0) return Number.NaN;
  return ((bytes - bytes / received) * 8) / spanMs;
}

/**
 * Whether the line was full: it lost some of the train, or took longer over it than the train was sent in.
 *
 * @param usualRatio of what is sent arrives while the line is idle.
 */
function filledLine(outcome: TrainOutcome, usualRatio: number): boolean {
  const delivered = deliveredKbps(outcome);
  if (Number.isNaN(delivered)) return true;
  const fullRatio = FULL_RATIO * usualRatio;
  return delivered < fullRatio * outcome.offeredKbps || outcome.received < fullRatio * outcome.sentCount;
}

/**
 * Finds what one direction of a line carries, by ever faster trains until one fills it, within the given bytes.
 *
 * @param whileFull is told of the beginning and the end of the last and longest train.
 */
export async function searchCapacity(
  run: RunTrain,
  limitBytes: number,
  { sizeBytes, usualRatio }: { readonly sizeBytes: number; readonly usualRatio: number },
  lastTrain: (
    run: () => Promise<TrainOutcome | null>,
  ) => Promise<{ outcome: TrainOutcome | null; queueMs: number | null }>,
): Promise<DirectionCapacity | null> {
  let leftBytes = limitBytes;
  let best: TrainOutcome | null = null;
  for (let rateKbps = FIRST_KBPS; rateKbps <= LARGEST_KBPS; rateKbps *= GROWTH) {
    const bytes = Math.max(FEWEST_DATAGRAMS * sizeBytes, (rateKbps * TRAIN_MS) / 8);
    if (bytes > leftBytes / 2 && best !== null) break;
    const outcome = await run(rateKbps, Math.min(bytes, leftBytes));
    leftBytes -= bytes;
    if (outcome === null) break;
    best = outcome;
    if (filledLine(outcome, usualRatio)) break;
  }
  if (best === null) return null;
  const foundKbps = deliveredKbps(best);
  const wantedKbps = Number.isNaN(foundKbps)
    ? best.offeredKbps
    : Math.min(LARGEST_KBPS, Math.max(FIRST_KBPS, foundKbps * 1.4));
  const bytes = Math.min(leftBytes, LARGEST_TRAIN_BYTES, (wantedKbps * FINAL_MS) / 8);
  if (bytes < FEWEST_DATAGRAMS * sizeBytes) return figures(best, usualRatio, null, limitBytes - leftBytes);
  const { outcome, queueMs } = await lastTrain(() => run(wantedKbps, bytes));
  return figures(outcome ?? best, usualRatio, queueMs, limitBytes - leftBytes + bytes);
}

function figures(outcome: TrainOutcome, usualRatio: number, queueMs: number | null, bytes: number): DirectionCapacity {
  const kbps = deliveredKbps(outcome);
  return {
    kbps: Number.isNaN(kbps) ? 0 : kbps,
    saturated: filledLine(outcome, usualRatio),
    lossRatio: Math.max(0, 1 - outcome.received / Math.max(1, outcome.sentCount)),
    queueMs,
    offeredKbps: outcome.offeredKbps,
    bytes: Math.round(bytes),
  };
}

/** Trains from here to the concentrator. */
export function trainsUp(socket: SideSocket, sizeBytes: number): RunTrain {
  return async (rateKbps, bytes) => {
    const train = socket.channel.newTrain();
    socket.ask({ type: "train", train, rateKbps: Math.round(rateKbps), bytes: Math.round(bytes), sizeBytes });
    await pause((bytes * 8) / rateKbps);
    const found = await settled(socket, train, ({ answer }) => ({ ...answer, spanMs: answer.spanUs / 1000 }));
    return found === null ? null : { ...found, offeredKbps: rateKbps, sentCount: Math.floor(bytes / sizeBytes) };
  };
}

/** Trains from the concentrator to here. A question that is lost is asked again. @param token of this socket. */
export function trainsDown(socket: SideSocket, sizeBytes: number, token: number): RunTrain {
  return async (rateKbps, bytes) => {
    const amounts = { rateKbps: Math.round(rateKbps), bytes: Math.round(bytes), sizeBytes };
    for (let i = 0; i < LOAD_TRIES; i++) {
      const train = socket.channel.newTrain();
      socket.ask({ type: "load", train, token, ...amounts });
      await pause((bytes * 8) / rateKbps);
      const found = await settled(socket, train, ({ here }) => here);
      if (found === null || found.received === 0) continue;
      return { ...found, offeredKbps: rateKbps, sentCount: Math.floor(bytes / sizeBytes) };
    }
    return null;
  };
}

interface Arrived {
  readonly received: number;
  readonly bytes: number;
  readonly spanMs: number;
}

/** What has arrived when no more arrives. */
async function settled(
  socket: SideSocket,
  train: number,
  arrivedOf: (observation: NonNullable<Awaited<ReturnType<SideSocket["observe"]>>>) => Arrived,
): Promise<Arrived | null> {
  let last: Arrived | null = null;
  for (let waitedMs = 0; waitedMs < DRAIN_MS; waitedMs += POLL_MS) {
    await pause(POLL_MS);
    const observation = await socket.observe(DRAIN_MS / 4, { train });
    if (observation === null) continue;
    const { received, bytes, spanMs } = arrivedOf(observation);
    if (last !== null && received > 0 && received === last.received) return { received, bytes, spanMs };
    if (received > 0 || waitedMs > DRAIN_MS / 2) last = { received, bytes, spanMs };
  }
  return last;
}

/** A line beside the one that is filled. */
export interface Neighbour {
  readonly name: string;
  readonly metered: boolean;
  readonly socket: SideSocket;
  readonly idleMedianMs: number | null;
}

/** A rise that is no accident, and that is enough of the filled line's own to be of the same queue. */
const LEAST_RISE_MS = 8;
const SHARED_RATIO = 0.4;

/** Whether a line's delay rose with the queue of the filled one. A host that is busy may look like it; a second look, from the other line, does not. */
export function sharesQueue(
  { idleMedianMs }: Pick<Neighbour, "idleMedianMs">,
  medianMs: number | null,
  queueMs: number | null,
): boolean {
  if (idleMedianMs === null || medianMs === null || queueMs === null) return false;
  const riseMs = medianMs - idleMedianMs;
  return queueMs >= LEAST_RISE_MS && riseMs >= LEAST_RISE_MS && riseMs >= SHARED_RATIO * queueMs;
}

/** Watches a line's own round trips and those of the others while its fullest train is under way. */
export function watchingLastTrain(own: Neighbour, others: readonly Neighbour[], sharedWith: Set<string>) {
  return async (run: () => Promise<TrainOutcome | null>) => {
    const watches = [own, ...others].map(
      ({ socket, metered }) => new RoundTripWatch(socket, metered ? METERED_WATCH_INTERVAL_MS : WATCH_INTERVAL_MS),
    );
    const running = run();
    await pause(FINAL_MS);
    const [mine, ...theirs] = watches.map((watch) => watch.stop());
    const outcome = await running;
    const queueMs =
      mine?.medianMs == null || own.idleMedianMs === null ? null : Math.max(0, mine.medianMs - own.idleMedianMs);
    others.forEach((other, i) => {
      if (sharesQueue(other, theirs[i]?.medianMs ?? null, queueMs)) sharedWith.add(other.name);
    });
    return { outcome, queueMs };
  };
}
