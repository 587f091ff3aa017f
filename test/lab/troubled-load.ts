import { monotonicMs } from "../support/script.ts";
import { type StreamRecord, startStream } from "../support/tcp-stream.ts";
import { ADDRESSES } from "../support/topology.ts";
import { type ProbeRecord, startProbe } from "../support/udp-probe.ts";
import { sleep } from "../support/wait.ts";
import { lineOfCall } from "./carrier.ts";
import type { Load } from "./result.ts";
import type { BondStage } from "./stage.ts";

/** A call and one TCP connection at full speed over the bond, for something to happen to them. */
export interface TroubledLoad {
  /** The line that carried the call while the bond had nothing else to do. */
  readonly line: { readonly name: string; readonly index: number };
  /** When the connection was started: the call was alone before (CLOCK_MONOTONIC). */
  readonly loadedMs: number;
  stop(): Promise<{ probe: ProbeRecord; stream: StreamRecord }>;
}

/** Resolves when the connection has had its warm-up. */
export async function troubledLoad(stage: BondStage, load: Load): Promise<TroubledLoad> {
  const { lan, server } = stage.topology;
  const probe = await startProbe(lan, server, ADDRESSES.server);
  try {
    const line = await lineOfCall(stage);
    const stream = await startStream({ ...load, client: lan, server, serverAddress: ADDRESSES.server });
    const loadedMs = monotonicMs();
    await sleep(Math.max(LEAST_WARM_UP_MS, stage.warmUpSeconds * 1000));
    return { line, loadedMs, stop: async () => ({ stream: await stream.stop(), probe: await probe.stop() }) };
  } catch (error) {
    await probe.stop();
    throw error;
  }
}

const LEAST_WARM_UP_MS = 2000;
