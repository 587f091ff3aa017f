import type { Program } from "../support/program.ts";
import type { BondPair } from "../support/programs.ts";
import type { Direction, Redundancy } from "./result.ts";

/** Counts what the bond's sender gave to the lines more than once, from now on; the answer is null without counters. */
export async function redundancyMeter(pair: BondPair, direction: Direction): Promise<() => Promise<Redundancy | null>> {
  const [near, far] = direction === "down" ? [pair.concentrator, pair.client] : [pair.client, pair.concentrator];
  const read = () => Promise.all([near, far].map(countersOf));
  const [nearBefore, farBefore] = await read();
  return async () => {
    const [nearNow, farNow] = await read();
    if (!nearBefore || !farBefore || !nearNow || !farNow) return null;
    return {
      firstBytes: nearNow.firstBytes - nearBefore.firstBytes,
      retransmittedBytes: nearNow.retransmittedBytes - nearBefore.retransmittedBytes,
      reinjectedFrames: nearNow.reinjected - nearBefore.reinjected,
      duplicatedBytes: nearNow.duplicatedBytes - nearBefore.duplicatedBytes,
      parityBytes: nearNow.parityBytes - nearBefore.parityBytes,
      controlBytes: nearNow.controlBytes - nearBefore.controlBytes,
      farControlBytes: farNow.controlBytes - farBefore.controlBytes,
    };
  };
}

const COUNTERS = [
  "firstBytes",
  "retransmittedBytes",
  "reinjected",
  "duplicatedBytes",
  "parityBytes",
  "controlBytes",
] as const;
type Counters = Record<(typeof COUNTERS)[number], number>;

/** Of all members together; null: the policy does not count. */
async function countersOf(program: Program): Promise<Counters | null> {
  const members = (await program.status()).bonds[0]?.members ?? [];
  const sum: Counters = {
    firstBytes: 0,
    retransmittedBytes: 0,
    reinjected: 0,
    duplicatedBytes: 0,
    parityBytes: 0,
    controlBytes: 0,
  };
  for (const { aggregate } of members) {
    if (aggregate === null) return null;
    for (const counter of COUNTERS) sum[counter] += aggregate[counter];
  }
  return sum;
}
