import { isUsable, type Program } from "../support/program.ts";
import type { BondPair } from "../support/programs.ts";
import { monotonicMs } from "../support/script.ts";
import { reachedAfterMs, streamKbps } from "../support/tcp-stream.ts";
import { summarizeProbe } from "../support/udp-probe.ts";
import { sleep, waitFor } from "../support/wait.ts";
import type { CutResult, Load } from "./result.ts";
import { type BondStage, limitOf } from "./stage.ts";
import { troubledLoad } from "./troubled-load.ts";

const OUTAGE_MS = 5000;
/** The connection goes on for so long after the line's return. */
const AFTER_MS = 5000;
const POLL_MS = 20;
/** Back at work is a connection that has so much of what it could have, over such a span. */
const BACK_RATIO = 0.8;
const BACK_SPAN_MS = 200;
/** What the remaining lines give is taken from here on. */
const SETTLED_MS = 1000;

/** Blackholes the line that carries a call, beside a TCP connection over all lines, and brings it back. */
export async function measureCut(stage: BondStage, load: Load): Promise<CutResult> {
  const { emulation, pair } = stage;
  const trouble = await troubledLoad(stage, load);
  const { name, index } = trouble.line;

  const cutMs = monotonicMs();
  await emulation.set(index, { cut: true });
  const outMs = await untilBoth(pair, (state) => !isUsable(state), name, cutMs, OUTAGE_MS);
  await sleep(Math.max(0, cutMs + OUTAGE_MS - monotonicMs()));
  const restoredMs = monotonicMs();
  await emulation.set(index, { cut: false });
  const backMs = await untilBoth(pair, isUsable, name, restoredMs, 20_000);
  await sleep(Math.max(0, restoredMs + AFTER_MS - monotonicMs()));
  const endMs = monotonicMs();

  const { probe, stream } = await trouble.stop();
  const { lost, longestGapMs, longestGapAtMs } = summarizeProbe(probe, { fromMs: cutMs - 100, toMs: endMs });
  const settled = { fromMs: cutMs + SETTLED_MS, toMs: restoredMs };
  const [outage, after] = [
    { fromMs: cutMs, toMs: restoredMs },
    { fromMs: restoredMs, toMs: endMs },
  ];
  const remainingKbps = await limitOf(stage, load.direction, outage, index);
  const sumKbps = await limitOf(stage, load.direction, after);
  const reached = (kbps: number, span: typeof outage) =>
    reachedAfterMs(stream, BACK_RATIO * kbps, { ...span, spanMs: BACK_SPAN_MS });
  return {
    line: name,
    outMs,
    lost,
    longestGapMs,
    gapAfterMs: longestGapAtMs === null ? null : longestGapAtMs - cutMs,
    remainingKbps,
    goodputKbps: streamKbps(stream, settled),
    recoveredMs: reached(remainingKbps, outage),
    backMs,
    returnedMs: reached(sumKbps, after),
  };
}

/** @returns milliseconds from sinceMs until both ends saw the member in such a state; null when the deadline passed. */
async function untilBoth(
  pair: BondPair,
  fits: (state: string) => boolean,
  memberName: string,
  sinceMs: number,
  deadlineMs: number,
): Promise<number | null> {
  const fitsAt = async (program: Program) => {
    const members = (await program.status()).bonds.flatMap((bond) => bond.members);
    return members.some((member) => member.name === memberName && fits(member.state));
  };
  const options = { what: `${memberName} changes`, deadlineMs, intervalMs: POLL_MS };
  try {
    await Promise.all([pair.client, pair.concentrator].map((program) => waitFor(() => fitsAt(program), options)));
    return monotonicMs() - sinceMs;
  } catch {
    return null; // Not within the deadline, which the table shows as a dash.
  }
}
