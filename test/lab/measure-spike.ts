import { monotonicMs } from "../support/script.ts";
import { quantile } from "../support/statistics.ts";
import { streamKbps } from "../support/tcp-stream.ts";
import { type ProbeRecord, summarizeProbe } from "../support/udp-probe.ts";
import { sleep } from "../support/wait.ts";
import type { Load, SpikeResult } from "./result.ts";
import { type BondStage, limitOf } from "./stage.ts";
import { troubledLoad } from "./troubled-load.ts";

/** One way; the round trip is 2 s longer. */
const EXTRA_DELAY_MS = 1000;
const SPIKE_MS = 15_000;
const AFTER_MS = 2000;
/** A datagram of the call is late when it takes so much longer than the slowest hundredth did on the idle bond. */
const LATE_MS = 50;

/** The line that carries a call gets an RTT of 2 s for a while, beside a TCP connection over all lines. */
export async function measureSpike(stage: BondStage, load: Load): Promise<SpikeResult> {
  const { emulation } = stage;
  const trouble = await troubledLoad(stage, load);
  const { name, index } = trouble.line;
  const spike = await during(SPIKE_MS, (isOn) => emulation.set(index, { extraDelayMs: isOn ? EXTRA_DELAY_MS : 0 }));
  await sleep(AFTER_MS);
  const { probe, stream } = await trouble.stop();
  const idleP99Ms = quantile(roundTrips(probe, { fromMs: 0, toMs: trouble.loadedMs }), 0.99) ?? Number.NaN;
  const { sent, lost, longestGapMs } = summarizeProbe(probe, spike);
  const times = roundTrips(probe, spike);
  return {
    line: name,
    sent,
    lost,
    late: times.filter((ms) => ms > idleP99Ms + LATE_MS).length,
    slowestMs: quantile(times, 1),
    longestGapMs,
    remainingKbps: await limitOf(stage, load.direction, spike, index),
    goodputKbps: streamKbps(stream, spike),
  };
}

/** Round trips of what was sent in a span, rising. */
function roundTrips({ arrivals }: ProbeRecord, { fromMs, toMs }: { fromMs: number; toMs: number }): number[] {
  const within = arrivals.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
  return within.map(({ sentMs, arrivedMs }) => arrivedMs - sentMs).sort((a, b) => a - b);
}

/** Switches something on for a while. @returns from when to when it was. */
async function during(
  durationMs: number,
  set: (isOn: boolean) => Promise<void>,
): Promise<{ fromMs: number; toMs: number }> {
  const fromMs = monotonicMs();
  await set(true);
  await sleep(durationMs);
  await set(false);
  return { fromMs, toMs: monotonicMs() };
}
