import type { PolicyName } from "../../packages/shared/src/bond/index.ts";
import {
  INNER_HEADER_BYTES,
  OUTER_HEADER_BYTES,
  TAG_BYTES,
  TYPE_DATA,
  TYPE_PARITY,
} from "../../packages/shared/src/wire/index.ts";
import { SCENARIOS } from "../lab/scenarios.ts";
import { payloadRatio } from "../lab/stage.ts";
import { meanRate, nextRate, type RateStep } from "../lab/wander.ts";
import { seededRandom } from "../support/random.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { SimWorld } from "../support/sim-world.ts";
import { Bbr, Cubic } from "../support/tcp-model.ts";

/** The bond is up, then comes a call, then the connection; then it has had its slow start; then it is measured. */
const UP_MS = 1000;
const IDLE_MS = 3000;
const WARM_UP_MS = 2500;
const MEASURED_MS = 4000;
const FROM_MS = IDLE_MS + WARM_UP_MS;
const TO_MS = FROM_MS + MEASURED_MS;
/** What happens to the first line, happens in the middle. */
const TROUBLE_FROM_MS = FROM_MS + 1000;
const TROUBLE_TO_MS = FROM_MS + 3000;
/** A call's frame that has not come after so long will not come. */
const LATE_MS = 1500;
const WANDER_STEP_MS = 500;
const CALL_BYTES = 98;
const ETHERNET_BYTES = 14;
/** Of each datagram, beside the packet in it. */
const DATAGRAM_BYTES = OUTER_HEADER_BYTES + INNER_HEADER_BYTES + TAG_BYTES;

export interface TcpCase {
  readonly policy: PolicyName;
  readonly tcp: "cubic" | "bbr";
  /** Of the lab. */
  readonly scenario: string;
  /** What the first line suffers for two seconds: it is dead, or has an RTT of 2 s. */
  readonly trouble?: "cut" | "spike";
  /** Of what is random in the lines. Default 1. */
  readonly seed?: number;
}

export interface TcpOutcome {
  /** Of the goodput limit of the lines, those in trouble left out meanwhile. */
  readonly shareRatio: number;
  /** One way, of a call beside the connection: 50 frames of 98 bytes a second, and as many the other way. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lost: number;
  /** Segments that TCP sent again. */
  readonly resentRatio: number;
  /** Bytes that the concentrator sent beyond one datagram for each frame that arrived: copies and parity. */
  readonly redundancyRatio: number;
}

/** A download by one TCP connection through both ends over simulated lines, with a call beside it. */
export function runTcp({ policy, tcp, scenario, trouble, seed = 1 }: TcpCase): TcpOutcome {
  const { links, steps } = linesOf(scenario);
  const world = new SimWorld({ links: [links], policy, seed }).run(UP_MS);
  let sentBytes = 0;
  for (const link of world.links.flat()) {
    link.watch = (direction, { bytes }) => {
      const isPayload = bytes[0] === TYPE_DATA || bytes[0] === TYPE_PARITY;
      if (direction === "down" && isPayload) sentBytes += bytes.length;
    };
  }
  const call = world.cbr({ from: world.concentrator, framesPerSecond: 50, frameBytes: CALL_BYTES });
  world.cbr({ from: world.client, framesPerSecond: 50, frameBytes: CALL_BYTES });
  world.run(IDLE_MS - UP_MS);
  const { flow } = world.download(tcp === "cubic" ? new Cubic() : new Bbr());
  if (trouble !== undefined) schedule(world, trouble);
  const counters = () => ({
    ...flow.sender.counters,
    bytes: flow.receiver.receivedBytes,
    onceBytes:
      (flow.receiver.receivedSegments + flow.receiver.duplicateSegments) * (world.client.innerMtu + DATAGRAM_BYTES) +
      call.sent * (CALL_BYTES - ETHERNET_BYTES + DATAGRAM_BYTES),
    sentBytes,
  });
  world.run(WARM_UP_MS);
  const before = counters();
  world.run(MEASURED_MS);
  const after = counters();
  const grown = (key: keyof typeof after) => after[key] - before[key];
  const { p50Ms, p99Ms } = call.report();
  const limitKbps = offeredKbps(steps, trouble !== undefined) * payloadRatio(world.client.innerMtu);
  return {
    shareRatio: (grown("bytes") * 8) / MEASURED_MS / limitKbps,
    p50Ms: p50Ms ?? Number.NaN,
    p99Ms: p99Ms ?? Number.NaN,
    lost: call.lostBetween(IDLE_MS, TO_MS - LATE_MS),
    resentRatio: grown("resent") / grown("sent"),
    redundancyRatio: Math.max(0, grown("sentBytes") / grown("onceBytes") - 1),
  };
}

/** The lab's lines; wandering rates follow from a seed. */
function linesOf(name: string): { links: SimLinkOptions[]; steps: RateStep[][] } {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new RangeError(`no scenario ${name}`);
  const { lines, wander } = scenario;
  const random = seededRandom(1);
  const steps = lines.map(({ down }) => {
    const list: RateStep[] = [{ sinceMs: 0, rateKbps: down.rateKbps }];
    for (let sinceMs = WANDER_STEP_MS; wander !== undefined && sinceMs < TO_MS; sinceMs += WANDER_STEP_MS) {
      list.push({ sinceMs, rateKbps: nextRate(list.at(-1)?.rateKbps ?? 0, wander, random()) });
    }
    return list;
  });
  const links = lines.map(({ up, down }, index) =>
    wander === undefined ? { up, down } : { up, down: { ...down, rateAtMs: rateOf(steps[index] ?? []) } },
  );
  return { links, steps };
}

function rateOf(steps: readonly RateStep[]): (nowMs: number) => number {
  return (nowMs) => steps[Math.min(steps.length - 1, Math.floor(nowMs / WANDER_STEP_MS))]?.rateKbps ?? 0;
}

function offeredKbps(lines: readonly RateStep[][], isTroubled: boolean): number {
  const rates = lines.map((steps) => meanRate(steps, { fromMs: FROM_MS, toMs: TO_MS }));
  const sum = rates.reduce((total, rate) => total + rate, 0);
  const missing = isTroubled ? (rates[0] ?? 0) * ((TROUBLE_TO_MS - TROUBLE_FROM_MS) / MEASURED_MS) : 0;
  return sum - missing;
}

function schedule(world: SimWorld, trouble: "cut" | "spike"): void {
  const link = world.link(0);
  const { delayMs } = link.down.settings;
  const set = (isOn: boolean) =>
    link.set(trouble === "cut" ? { blackholed: isOn } : { delayMs: isOn ? delayMs + 1000 : delayMs });
  world.network.at(TROUBLE_FROM_MS, () => set(true));
  world.network.at(TROUBLE_TO_MS, () => set(false));
}
