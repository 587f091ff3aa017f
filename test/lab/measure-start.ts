import { startStream } from "../support/tcp-stream.ts";
import { ADDRESSES } from "../support/topology.ts";
import { sleep } from "../support/wait.ts";
import type { Load, StartResult } from "./result.ts";
import { type BondStage, limitOf } from "./stage.ts";

const DOWNLOAD_BYTES = 10_000_000;
/** The bond has nothing to do for so long before. */
const IDLE_MS = 3000;
const DEADLINE_MS = 60_000;
const MSS_BYTES = 1380;
/** RFC 6928. */
const INITIAL_WINDOW = 10;

/** A download from an idle bond, from the call of connect() to its last byte. */
export async function measureStart(stage: BondStage, load: Load): Promise<StartResult> {
  const { lan, server } = stage.topology;
  await sleep(IDLE_MS);
  const options = { client: lan, server, serverAddress: ADDRESSES.server, bytes: DOWNLOAD_BYTES };
  const stream = await startStream({ ...options, ...load });
  const impatience = setTimeout(() => void stream.stop(), DEADLINE_MS);
  const { startedMs, arrivals } = await stream.ended;
  clearTimeout(impatience);
  const bytes = arrivals.reduce((sum, [, count]) => sum + count, 0);
  if (bytes < DOWNLOAD_BYTES) throw new Error(`${bytes} bytes of ${DOWNLOAD_BYTES} came within ${DEADLINE_MS} ms`);
  const toMs = arrivals.at(-1)?.[0] ?? Number.NaN;
  const limitKbps = await limitOf(stage, load.direction, { fromMs: startedMs, toMs });
  const rttMs = Math.min(...stage.scenario.lines.map(({ down, up }) => down.delayMs + up.delayMs));
  return { durationMs: toMs - startedMs, idealMs: idealMs(limitKbps, rttMs), bareMs: (DOWNLOAD_BYTES * 8) / limitKbps };
}

/**
 * What one line of that goodput and round trip would need: two round trips until the first byte is there, a slow start that
 * doubles each round trip and ends exactly when the line is full, and then the line's speed.
 */
export function idealMs(limitKbps: number, rttMs: number): number {
  let windowBytes = INITIAL_WINDOW * MSS_BYTES;
  let leftBytes = DOWNLOAD_BYTES;
  let elapsedMs = 2 * rttMs;
  for (; (windowBytes * 8) / limitKbps < rttMs && leftBytes > windowBytes; windowBytes *= 2) {
    leftBytes -= windowBytes;
    elapsedMs += rttMs;
  }
  return elapsedMs + (leftBytes * 8) / limitKbps;
}
