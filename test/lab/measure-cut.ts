import { isUsable, type Program } from "../support/program.ts";
import type { BondPair } from "../support/programs.ts";
import { monotonicMs } from "../support/script.ts";
import { ADDRESSES } from "../support/topology.ts";
import { measureTcp } from "../support/traffic.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { sleep, waitFor } from "../support/wait.ts";
import type { CutResult, Load } from "./result.ts";
import { type BondStage, userTraffic } from "./stage.ts";

const OUTAGE_MS = 5000;
/** The load runs this long before the cut, and this long after the line's return. */
const MARGIN_SECONDS = 2;
const POLL_MS = 20;

/** Blackholes the line that carries a call, under load, and brings it back. */
export async function measureCut(stage: BondStage, ofLoad: Load): Promise<CutResult> {
  const { topology, emulation, pair } = stage;
  const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
  const carrier = await busiestMember(pair.client);
  const index = topology.uplinks.findIndex((uplink) => uplink.name === carrier);
  const seconds = MARGIN_SECONDS + OUTAGE_MS / 1000 + MARGIN_SECONDS;
  const loadStartMs = monotonicMs();
  const load = measureTcp({ ...userTraffic(stage, ofLoad), flows: 8, seconds, omitSeconds: 0 }).catch(() => null);
  await sleep(MARGIN_SECONDS * 1000);

  const cutMs = monotonicMs();
  await emulation.set(index, { cut: true });
  const outMs = await untilBoth(pair, (state) => !isUsable(state), carrier, cutMs, OUTAGE_MS);
  await sleep(Math.max(0, cutMs + OUTAGE_MS - monotonicMs()));
  const restoredMs = monotonicMs();
  await emulation.set(index, { cut: false });
  const backMs = await untilBoth(pair, isUsable, carrier, restoredMs, 20_000);

  const tcp = await load;
  const { lost, longestGapMs } = summarizeProbe(await probe.stop(), { fromMs: cutMs - 100, toMs: restoredMs });
  // Whole seconds of iperf3 in which the line was missing all the time, the first of them left to recovery.
  const first = Math.ceil((cutMs - loadStartMs) / 1000) + 1;
  const last = Math.floor((restoredMs - loadStartMs) / 1000);
  const meanwhile = tcp?.secondsKbps.slice(first, last) ?? [];
  return { line: carrier, outMs, lost, longestGapMs, goodputKbps: mean(meanwhile), backMs };
}

/** The member over which an otherwise idle bond carries the call, by what it moved within a second. */
async function busiestMember(client: Program): Promise<string> {
  const before = await movedBytes(client);
  await sleep(1000);
  const after = await movedBytes(client);
  const moved = [...after].map(([name, bytes]) => ({ name, bytes: bytes - (before.get(name) ?? 0) }));
  moved.sort((a, b) => b.bytes - a.bytes);
  return moved[0]?.name ?? "";
}

async function movedBytes(client: Program): Promise<Map<string, number>> {
  const members = (await client.status()).bonds[0]?.members ?? [];
  return new Map(members.map((member) => [member.name, member.txBytes + member.rxBytes]));
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

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
