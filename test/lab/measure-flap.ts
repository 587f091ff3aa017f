import { monotonicMs } from "../support/script.ts";
import { streamKbps } from "../support/tcp-stream.ts";
import { summarizeProbe } from "../support/udp-probe.ts";
import { sleep } from "../support/wait.ts";
import type { FlapResult, Load } from "./result.ts";
import { type BondStage, limitOf } from "./stage.ts";
import { troubledLoad } from "./troubled-load.ts";

const HALF_CYCLE_MS = 2000;
const CYCLES = 4;

/** The line that carries a call is dead for 2 s, there for 2 s, and so on, beside a TCP connection over all lines. */
export async function measureFlap(stage: BondStage, load: Load): Promise<FlapResult> {
  const { emulation } = stage;
  const trouble = await troubledLoad(stage, load);
  const { name, index } = trouble.line;
  const fromMs = monotonicMs();
  for (let half = 0; half < 2 * CYCLES; half++) {
    await emulation.set(index, { cut: half % 2 === 0 });
    await sleep(Math.max(0, fromMs + (half + 1) * HALF_CYCLE_MS - monotonicMs()));
  }
  const span = { fromMs, toMs: monotonicMs() };
  const { probe, stream } = await trouble.stop();
  const { sent, lost, longestGapMs } = summarizeProbe(probe, span);
  const remainingKbps = await limitOf(stage, load.direction, span, index);
  return { line: name, sent, lost, longestGapMs, remainingKbps, goodputKbps: streamKbps(stream, span) };
}
