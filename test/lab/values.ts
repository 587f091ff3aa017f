import { quantile } from "../support/statistics.ts";
import type { AloneResult, Case, Direction, LabResult, Row, RunResult, Value } from "./result.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { payloadRatio } from "./stage.ts";
import {
  CUT_GAP_MS,
  CUT_RECOVERED_MS,
  CUT_RETURNED_MS,
  FLAP_SHARE,
  POLICY_WITH_TARGETS,
  pingToReach,
  redundancyToReach,
  START_TO_IDEAL,
  shareToReach,
  TO_BETTER_LINE,
} from "./targets.ts";

/** Stands for what was not reached at all, so that medians and bounds know it. */
export const NEVER_MS = 99_999;

/** What a value is compared with. */
interface Context {
  readonly scenario: Scenario;
  readonly direction: Direction;
  /** What was measured of this scenario's lines alone with the same load; may be empty. */
  readonly alone: readonly AloneResult[];
}

interface ValueDefinition {
  readonly read: (run: RunResult, context: Context) => number | null | undefined;
  readonly atLeast?: (context: Context) => number | null;
  readonly atMost?: (context: Context) => number | null;
}

/** Every number that a case is judged by or shown with. Names end in their units; ratios are 0..1. */
const VALUES: Readonly<Record<string, ValueDefinition>> = {
  limitKbps: { read: ({ oneTcp }) => oneTcp?.limitKbps },
  goodputKbps: { read: ({ oneTcp }) => oneTcp?.goodputKbps },
  shareRatio: {
    read: ({ oneTcp }) => oneTcp && oneTcp.goodputKbps / oneTcp.limitKbps,
    atLeast: ({ scenario }) => shareToReach(scenario),
  },
  startShareRatio: { read: ({ oneTcp }) => oneTcp && ratio(oneTcp.startKbps, oneTcp.limitKbps) },
  betterLineKbps: { read: ({ oneTcp }, context) => oneTcp && betterLine(context) },
  toBetterLineRatio: {
    read: ({ oneTcp }, context) => oneTcp && oneTcp.goodputKbps / betterLine(context),
    atLeast: () => TO_BETTER_LINE,
  },
  idleP50Ms: { read: ({ idle }) => idle?.p50Ms },
  idleP95Ms: { read: ({ idle }) => idle?.p95Ms },
  loadedP50Ms: { read: ({ oneTcp }) => oneTcp?.loaded.p50Ms },
  loadedP95Ms: {
    read: ({ oneTcp }) => oneTcp?.loaded.p95Ms,
    atMost: ({ scenario, direction, alone }) => pingToReach(scenario, direction, bestIdle(alone)),
  },
  pingLost: { read: ({ oneTcp }) => oneTcp && oneTcp.loaded.sent - oneTcp.loaded.received },
  tcpRetransmissions: { read: ({ oneTcp }) => oneTcp?.retransmissions },
  retransmittedRatio: { read: ofFirstBytes((redundancy) => redundancy.retransmittedBytes) },
  duplicatedRatio: { read: ofFirstBytes((redundancy) => redundancy.duplicatedBytes) },
  parityRatio: { read: ofFirstBytes((redundancy) => redundancy.parityBytes) },
  redundancyRatio: {
    read: ofFirstBytes(
      ({ retransmittedBytes, duplicatedBytes, parityBytes }) => retransmittedBytes + duplicatedBytes + parityBytes,
    ),
    atMost: ({ scenario, direction }) => redundancyToReach(scenario, direction),
  },
  controlRatio: { read: ofFirstBytes((redundancy) => redundancy.controlBytes) },
  farControlRatio: { read: ofFirstBytes((redundancy) => redundancy.farControlBytes) },
  reinjectedFrames: { read: ({ oneTcp }) => oneTcp?.redundancy?.reinjectedFrames },
  eightTcpKbps: { read: ({ eightTcp }) => eightTcp?.goodputKbps },
  eightTcpShareRatio: { read: ({ eightTcp }) => eightTcp && eightTcp.goodputKbps / eightTcp.limitKbps },
  udpKbps: { read: ({ udp }) => udp?.goodputKbps },
  udpLostRatio: { read: ({ udp }) => udp?.lostRatio },
  udpReordered: { read: ({ udp }) => udp?.reordered },
  startMs: { read: ({ start }) => start?.durationMs },
  startIdealMs: { read: ({ start }) => start?.idealMs },
  startToIdealRatio: { read: ({ start }) => start && start.durationMs / start.idealMs, atMost: () => START_TO_IDEAL },
  startToBareRatio: { read: ({ start }) => start && start.durationMs / start.bareMs },
  cutOutMs: { read: ({ cut }) => cut?.outMs },
  cutLost: { read: ({ cut }) => cut?.lost, atMost: () => 0 },
  cutGapMs: { read: ({ cut }) => cut?.longestGapMs, atMost: () => CUT_GAP_MS },
  cutGapAfterMs: { read: ({ cut }) => cut?.gapAfterMs },
  cutKbps: { read: ({ cut }) => cut?.goodputKbps },
  cutShareRatio: { read: ({ cut }) => cut && cut.goodputKbps / cut.remainingKbps },
  cutRecoveredMs: { read: ({ cut }) => cut && (cut.recoveredMs ?? NEVER_MS), atMost: () => CUT_RECOVERED_MS },
  cutBackMs: { read: ({ cut }) => cut?.backMs },
  cutReturnedMs: { read: ({ cut }) => cut && (cut.returnedMs ?? NEVER_MS), atMost: () => CUT_RETURNED_MS },
  spikeLost: { read: ({ spike }) => spike?.lost, atMost: () => 0 },
  spikeLate: { read: ({ spike }) => spike?.late, atMost: () => 0 },
  spikeSlowestMs: { read: ({ spike }) => spike?.slowestMs },
  spikeShareRatio: {
    read: ({ spike }) => spike && spike.goodputKbps / spike.remainingKbps,
    atLeast: ({ scenario }) => shareToReach(scenario),
  },
  flapLost: { read: ({ flap }) => flap?.lost, atMost: () => 0 },
  flapGapMs: { read: ({ flap }) => flap?.longestGapMs },
  flapShareRatio: { read: ({ flap }) => flap && flap.goodputKbps / flap.remainingKbps, atLeast: () => FLAP_SHARE },
};

/** One row per case, in the order in which they were measured first. */
export function rowsOf({ runs, alone }: Pick<LabResult, "runs" | "alone">): Row[] {
  const cases = new Map<string, RunResult[]>();
  for (const run of runs) cases.set(keyOf(run), [...(cases.get(keyOf(run)) ?? []), run]);
  return [...cases.values()].map((rounds) => rowOf(rounds, alone));
}

function keyOf({ scenario, policy, congestionControl, direction }: Case): string {
  return [scenario, policy, congestionControl, direction].join(" ");
}

function rowOf(rounds: readonly RunResult[], alone: readonly AloneResult[]): Row {
  const [first] = rounds;
  if (first === undefined) throw new RangeError("a case without rounds");
  const { scenario, policy, congestionControl, direction } = first;
  const context: Context = {
    scenario: scenarioOf(scenario),
    direction,
    alone: alone.filter(
      (each) =>
        each.scenario === scenario && each.direction === direction && each.congestionControl === congestionControl,
    ),
  };
  const values: Record<string, Value> = {};
  for (const [name, definition] of Object.entries(VALUES)) {
    const value = summaryOf(rounds, definition, context, policy === POLICY_WITH_TARGETS);
    if (value !== null) values[name] = value;
  }
  return {
    scenario,
    policy,
    congestionControl,
    direction,
    rounds: rounds.length,
    values,
    missed: Object.entries(values).flatMap(([name, { ok }]) => (ok === false ? [name] : [])),
    errors: rounds.flatMap(({ error }) => (error === null ? [] : [error])),
  };
}

function summaryOf(
  rounds: readonly RunResult[],
  definition: ValueDefinition,
  context: Context,
  isJudged: boolean,
): Value | null {
  const read = rounds.map((run) => definition.read(run, context));
  const numbers = read.filter((value) => typeof value === "number").sort((a, b) => a - b);
  const [least, median, most] = [0, 0.5, 1].map((q) => quantile(numbers, q));
  if (least == null || median == null || most == null) return null;
  const atLeast = isJudged ? (definition.atLeast?.(context) ?? null) : null;
  const atMost = isJudged ? (definition.atMost?.(context) ?? null) : null;
  const isOk = median >= (atLeast ?? Number.NEGATIVE_INFINITY) && median <= (atMost ?? Number.POSITIVE_INFINITY);
  return { median, least, most, atLeast, atMost, ok: atLeast === null && atMost === null ? null : isOk };
}

/** What the better line gives without wanbond: as measured, else its limit. */
function betterLine({ scenario, direction, alone }: Context): number {
  if (alone.length > 0) return Math.max(...alone.map(({ tcp }) => tcp.goodputKbps));
  const usable = scenario.lines.map((each) => each[direction].rateKbps * (1 - each[direction].lossRatio));
  return Math.max(...usable) * payloadRatio(null);
}

function bestIdle(alone: readonly AloneResult[]): number | undefined {
  const times = alone.flatMap(({ idle }) => (idle.p50Ms === null ? [] : [idle.p50Ms]));
  return times.length === 0 ? undefined : Math.min(...times);
}

function ofFirstBytes(part: (redundancy: NonNullable<NonNullable<RunResult["oneTcp"]>["redundancy"]>) => number) {
  return ({ oneTcp }: RunResult) => oneTcp?.redundancy && part(oneTcp.redundancy) / oneTcp.redundancy.firstBytes;
}

function ratio(part: number | null, whole: number): number | null {
  return part === null ? null : part / whole;
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new RangeError(`no scenario ${name}`);
  return scenario;
}
