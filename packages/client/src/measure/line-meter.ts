import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { LineMeasurement, MeasureOptions } from "@wanbond/shared/control";
import { type ForwarderThread, native } from "@wanbond/shared/io";
import type { Runner } from "@wanbond/shared/system";
import { formatEndpoint } from "@wanbond/shared/wire";
import { type Neighbour, searchCapacity, trainsDown, trainsUp, watchingLastTrain } from "./capacity.ts";
import type { Line } from "./line.ts";
import { measureMapping, measureNat, SILENCES_MS } from "./mapping.ts";
import { type FoundMtu, searchMtu, tryDown, tryUp } from "./path-mtu.ts";
import { reachOtherwise } from "./reach-otherwise.ts";
import { measureRoundTrips } from "./round-trips.ts";
import { MeasureChannel, type Observation, SideSocket } from "./side-socket.ts";

/** A concentrator that answers at all does so within this many tries. */
const REACH_TRIES = 10;
const REACH_GAP_MS = 500;
const REACH_PATIENCE_MS = 4_000;
const ROUND_TRIPS = { count: 300, intervalMs: 20 } as const;
const METERED_ROUND_TRIPS = { count: 20, intervalMs: 250 } as const;
/** Sockets that all lines together may have: the packet loop watches 128. */
const MAX_SOCKETS = 80;
const LARGEST_MTU = 1500;

/** A line that answers, with what was found first. */
interface Reached {
  readonly line: Line;
  readonly socket: SideSocket;
  readonly first: Observation;
  readonly index: number;
}

/** Measures lines through the session of a packet loop; what it does is seen by nothing else of the bond. */
export class LineMeter {
  readonly #thread: ForwarderThread;
  readonly #runner: Runner;
  #channel: MeasureChannel | undefined;

  constructor(thread: ForwarderThread, runner: Runner) {
    this.#thread = thread;
    this.#runner = runner;
  }

  onObserved(observation: Observation): void {
    this.#channel?.onObserved(observation);
  }

  /** About 50 s. @throws Error when a measurement is under way. */
  async measure(peerId: number, lines: readonly Line[], options: MeasureOptions): Promise<LineMeasurement[]> {
    if (this.#channel !== undefined) throw new Error("the lines are being measured: ask again in a minute");
    this.#channel = new MeasureChannel(this.#thread, peerId, () => randomBytes(4).readUInt32LE());
    const run = new MeasureRun(this.#channel, this.#runner, lines, options);
    try {
      return await run.measure();
    } finally {
      run.close();
      this.#channel = undefined;
    }
  }
}

class MeasureRun {
  readonly #channel: MeasureChannel;
  readonly #runner: Runner;
  readonly #lines: readonly Line[];
  readonly #options: MeasureOptions;
  readonly #sockets: SideSocket[] = [];
  /** Capacity is measured when every line is done with what a full neighbour would disturb. */
  readonly #results: LineMeasurement[];

  constructor(channel: MeasureChannel, runner: Runner, lines: readonly Line[], options: MeasureOptions) {
    this.#channel = channel;
    this.#runner = runner;
    const { uplinks } = options;
    this.#lines = lines.filter(({ name }) => uplinks.length === 0 || uplinks.includes(name));
    this.#options = options;
    this.#results = this.#lines.map(unknownLine);
  }

  async measure(): Promise<LineMeasurement[]> {
    const found = await Promise.all(this.#lines.map((line, index) => this.#reach(line, index)));
    const reached = found.filter((each) => each !== null);
    const mappings = Promise.all(reached.map((each) => this.#mapping(each)));
    await Promise.all(reached.map((each) => this.#idle(each)));
    await this.#capacities(reached);
    await mappings;
    return this.#results;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #learn(index: number, facts: Partial<LineMeasurement>): void {
    const result = this.#results[index];
    if (result !== undefined) Object.assign(result, facts);
  }

  async #reach(line: Line, index: number): Promise<Reached | null> {
    if (line.unusable !== null || line.endpoint === null) return null;
    const socket = this.#open(line, index);
    if (socket === null) return null;
    this.#learn(index, { local: withPort(line.source ?? "", socket.port) });
    const first = await firstAnswer(socket);
    if (first === null) {
      this.#learn(index, { otherwise: await reachOtherwise(line, this.#runner) });
      return null;
    }
    const { answer, wallMs, sinceAskedMs } = first;
    this.#learn(index, {
      answers: true,
      seen: formatEndpoint(answer.seen),
      farVersion: answer.version.join("."),
      clockSkewMs: answer.wallMs + sinceAskedMs / 2 - wallMs,
      clockErrorMs: sinceAskedMs / 2,
    });
    return { line, socket, first, index };
  }

  #open(line: Line, index: number): SideSocket | null {
    try {
      const socket = new SideSocket(this.#channel, line, index);
      this.#sockets.push(socket);
      return socket;
    } catch (error) {
      this.#learn(index, { unusable: error instanceof Error ? error.message : String(error) });
      return null; // The address has gone since the uplinks were looked at.
    }
  }

  async #mapping({ line, index }: Reached): Promise<void> {
    const room = Math.floor(MAX_SOCKETS / this.#lines.length) - 1;
    const wanted = SILENCES_MS.slice(0, Math.max(1, room));
    const sockets = wanted.map(() => this.#open(line, index)).filter((socket) => socket !== null);
    this.#learn(index, { mapping: await measureMapping(sockets) });
  }

  /** What is measured on a quiet line, one after another. */
  async #idle({ line, socket, first, index }: Reached): Promise<void> {
    const roundTrips = await measureRoundTrips(socket, line.metered ? METERED_ROUND_TRIPS : ROUND_TRIPS);
    this.#learn(index, { roundTrips, nat: await measureNat(socket, formatEndpoint) });
    const patienceMs = 300 + 2.5 * (roundTrips.p95Ms ?? 300);
    const largest = Math.min(LARGEST_MTU, line.deviceMtu ?? LARGEST_MTU);
    const search = (attempt: Parameters<typeof searchMtu>[0]): Promise<FoundMtu> =>
      searchMtu(attempt, largest, () => native().nowMs());
    const [up, down] = await Promise.all([
      search(tryUp(socket, patienceMs)),
      search(tryDown(socket, patienceMs, first.answer.token)),
    ]);
    const exact = up.exact && down.exact;
    const mtu = { upBytes: up.bytes, downBytes: down.bytes, exact, deviceBytes: line.deviceMtu, triedBytes: largest };
    this.#learn(index, { mtu });
  }

  async #capacities(reached: readonly Reached[]): Promise<void> {
    if (this.#options.capacityBytes === 0) return;
    for (const each of reached) if (!each.line.metered) await this.#capacity(each, reached);
  }

  async #capacity(own: Reached, reached: readonly Reached[]): Promise<void> {
    const { socket, index, first } = own;
    const others = reached.filter((each) => each !== own).map((each) => this.#neighbour(each));
    const sharedWith = new Set<string>();
    const watching = watchingLastTrain(this.#neighbour(own), others, sharedWith);
    const { mtu, roundTrips } = this.#results[index] ?? {};
    const usualRatio = roundTrips == null ? 1 : Math.sqrt(roundTrips.answered / Math.max(1, roundTrips.sent));
    const { capacityBytes } = this.#options;
    const sizeOf = (mtuBytes: number | null | undefined) => Math.min(1400, mtuBytes ?? 1200);
    const upSize = sizeOf(mtu?.upBytes);
    const up = await searchCapacity(
      trainsUp(socket, upSize),
      capacityBytes,
      { sizeBytes: upSize, usualRatio },
      watching,
    );
    await pause(300);
    const downSize = sizeOf(mtu?.downBytes);
    const trains = trainsDown(socket, downSize, first.answer.token);
    const down = await searchCapacity(trains, capacityBytes, { sizeBytes: downSize, usualRatio }, watching);
    this.#learn(index, { capacity: { up, down }, sharedWith: [...sharedWith].sort() });
    await pause(300);
  }

  #neighbour({ line, socket, index }: Reached): Neighbour {
    const roundTrips = this.#results[index]?.roundTrips;
    const idle = { idleMedianMs: roundTrips?.medianMs ?? null };
    return { name: line.name, metered: line.metered, socket, ...idle };
  }
}

/** A question every half second, and the first answer to any of them. */
async function firstAnswer(socket: SideSocket): Promise<Observation | null> {
  let answer: Observation | null = null;
  const waits: Promise<void>[] = [];
  for (let i = 0; i < REACH_TRIES && answer === null; i++) {
    waits.push(
      socket.observe(REACH_PATIENCE_MS).then((observation) => {
        answer ??= observation;
      }),
    );
    await pause(i === 0 ? REACH_GAP_MS / 2 : REACH_GAP_MS);
  }
  if (answer === null) await Promise.all(waits);
  return answer;
}

function unknownLine(line: Line): LineMeasurement {
  return {
    name: line.name,
    device: line.device,
    metered: line.metered,
    unusable: line.unusable,
    local: null,
    remote: line.endpoint === null ? null : formatEndpoint(line.endpoint),
    seen: null,
    gateway: line.gateway,
    answers: false,
    memberUp: line.memberUp,
    otherwise: null,
    nat: null,
    mapping: null,
    mtu: null,
    roundTrips: null,
    capacity: null,
    sharedWith: [],
    clockSkewMs: null,
    clockErrorMs: null,
    farVersion: null,
  };
}

function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
