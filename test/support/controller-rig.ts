import {
  emptyMark,
  type FeedbackSample,
  type PathController,
  type SentMark,
} from "../../packages/shared/src/aggregate/path-controller.ts";
import { CubicFlow } from "./cubic-flow.ts";
import { quantile } from "./statistics.ts";
import { type LineSettings, type VirtualLine, VirtualNetwork } from "./virtual-network.ts";

/** What a path controller is put on, and how it is loaded. */
export interface Situation {
  readonly name: string;
  readonly line: Partial<LineSettings>;
  /** One way, of the feedback. */
  readonly backMs: number;
  readonly runMs: number;
  /** Use, queue and loss are measured from here. */
  readonly fromMs: number;
  /** Default: greedy. */
  readonly source?: (nowMs: number) => number | "greedy";
  /** A rate above which frames are dropped before the line, with a bucket of so many bytes. */
  readonly policer?: { readonly kbps: number; readonly burstBytes: number };
  /** The same, but what is above the rate waits at it in the queue of the line. */
  readonly shaper?: { readonly kbps: number; readonly burstBytes: number };
  readonly competitor?: { readonly fromMs: number; readonly toMs: number };
  /** The controllers begin then. Default: 0. */
  readonly startMs?: number;
  /** Default: 10. */
  readonly feedbackMs?: number;
  readonly feedbackLossRatio?: number;
  /** Feedback arrives in bunches at multiples of this. */
  readonly feedbackBunchMs?: number;
  /** The peer's clock runs fast by this. */
  readonly driftPpm?: number;
  /** What the peer's clock is wrong by when it notes an arrival, above or below. */
  readonly clockErrorMs?: (nowMs: number) => number;
  readonly packetBytes?: number;
  readonly tickMs?: number;
  /** Changes of the line. */
  readonly script?: (network: VirtualNetwork, line: LineSettings) => void;
  /** Capacity at a time; default: the rate of the line. */
  readonly capacityKbps?: (nowMs: number) => number;
  /** Two controllers on the same line. */
  readonly twins?: boolean;
  /** When the twins learn of it. */
  readonly sharingKnownMs?: number;
}

export interface Outcome {
  /** Delivered bytes / what the line could have carried (a neighbour's bytes do not count). */
  readonly use: number;
  /** Use of the line by all. */
  readonly allUse: number;
  readonly queueP50Ms: number;
  readonly queueP95Ms: number;
  readonly lossRatio: number;
  /** From the start until 90 % of the capacity is delivered over 100 ms. */
  readonly convergedMs: number;
}

const CLOCK_OFFSET_MS = 123_456;
const FEEDBACK_MS = 10;
/** Sends are as exact as a poll loop's timer. */
const GRAIN_MS = 0.25;
const SLICE_MS = 100;
/** A neighbour comes at another moment with each seed. */
const COMPETITOR_STEP_MS = 171;

interface Datagram {
  readonly owner: Sender | CubicFlow;
  readonly counter: number;
  readonly bytes: number;
  readonly sentMs: number;
  readonly mark: SentMark;
}

interface Report {
  readonly to: Sender;
  readonly highest: Datagram;
  readonly highestOwdMs: number;
  readonly fastest: Datagram;
  readonly fastestOwdMs: number;
  readonly receivedBytes: number;
  readonly arrivalMs: number;
  readonly heldMs: number;
  readonly acknowledged: readonly Datagram[];
}

/** One direction of a path: a greedy or limited source, the gate, the line, the peer's feedback. */
class Sender {
  readonly controller: PathController;
  readonly deliveredSlices: number[] = [];
  sent = 0;
  lost = 0;
  #nextMs = 0;
  #counter = 1;
  #backlogBytes = 0;
  #progressMs = 0;
  #highest = 0;
  #highestSentMs = Number.NEGATIVE_INFINITY;
  #srttMs = 100;
  readonly #inflight = new Map<number, Datagram>();
  readonly #situation: Situation;
  readonly #send: (datagram: Datagram) => void;
  readonly #reorderMs: number;

  constructor(controller: PathController, situation: Situation, send: (datagram: Datagram) => void) {
    this.controller = controller;
    this.#situation = situation;
    this.#send = send;
    this.#reorderMs = situation.line.reorders ? 4 * (situation.line.pdvMs ?? 0) : 0;
  }

  get nextDeadlineMs(): number {
    return this.#nextMs;
  }

  onTimer(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#checkTimeOut(nowMs);
    const bytes = this.#situation.packetBytes ?? 1500;
    const wanted = this.#wanted(nowMs);
    while (this.#has(wanted, bytes, nowMs) && this.controller.isOpen(nowMs)) this.#sendOne(bytes, nowMs);
    const tickMs = this.#situation.tickMs ?? 5;
    const openMs = this.#has(wanted, bytes, nowMs) ? this.controller.nextOpenMs(nowMs) : Number.POSITIVE_INFINITY;
    this.#nextMs = Math.min(nowMs + tickMs, Math.max(nowMs + GRAIN_MS, openMs));
  }

  wake(nowMs: number): void {
    this.#nextMs = nowMs;
  }

  onReport(report: Report, nowMs: number): void {
    for (const datagram of report.acknowledged) {
      if (!this.#inflight.delete(datagram.counter)) continue;
      this.controller.onGone(datagram.bytes, false, nowMs);
    }
    if (report.highest.counter <= this.#highest) return;
    this.#highest = report.highest.counter;
    this.#highestSentMs = report.highest.sentMs;
    this.#progressMs = nowMs;
    this.#findLosses(nowMs);
    const rttMs = nowMs - report.highest.sentMs - report.heldMs;
    this.#srttMs += (rttMs - this.#srttMs) / 8;
    this.controller.onFeedback(sampleOf(report, rttMs), nowMs);
    this.wake(nowMs);
  }

  /** A datagram of this many bytes every tick until the source's rate is spent. */
  #wanted(nowMs: number): number | "greedy" {
    const wanted = this.#situation.source?.(nowMs) ?? "greedy";
    if (wanted !== "greedy")
      this.#backlogBytes = Math.min(this.#backlogBytes + (wanted / 8) * (nowMs - this.#tickedMs), 64_000);
    this.#tickedMs = nowMs;
    return wanted;
  }

  #tickedMs = 0;
  #probedMs = 0;

  #has(wanted: number | "greedy", bytes: number, nowMs: number): boolean {
    if (wanted === "greedy") return true;
    if (wanted === 0) {
      this.#backlogBytes = 0;
      this.#probe(nowMs);
    }
    return this.#backlogBytes >= bytes;
  }

  /** The monitor's probe of an idle path. */
  #probe(nowMs: number): void {
    if (nowMs - this.#probedMs < 100) return;
    this.#probedMs = nowMs;
    this.#sendOne(100, nowMs);
  }

  #sendOne(bytes: number, nowMs: number): void {
    const mark = emptyMark();
    this.controller.onSent(bytes, nowMs, mark);
    const datagram = { owner: this, counter: this.#counter++, bytes, sentMs: nowMs, mark };
    if (this.#inflight.size === 0) this.#progressMs = nowMs;
    this.#inflight.set(datagram.counter, datagram);
    this.#backlogBytes -= bytes;
    this.sent++;
    this.#send(datagram);
  }

  #findLosses(nowMs: number): void {
    for (const [counter, datagram] of this.#inflight) {
      if (counter >= this.#highest) break;
      if (this.#highestSentMs - datagram.sentMs < this.#reorderMs) break;
      this.#lose(datagram, nowMs);
    }
  }

  #checkTimeOut(nowMs: number): void {
    if (this.#inflight.size === 0 || nowMs - this.#progressMs < 2 * this.#srttMs + 200) return;
    for (const datagram of this.#inflight.values()) this.#lose(datagram, nowMs);
    this.#progressMs = nowMs;
  }

  #lose(datagram: Datagram, nowMs: number): void {
    this.#inflight.delete(datagram.counter);
    this.controller.onGone(datagram.bytes, true, nowMs);
    this.lost++;
  }
}

function sampleOf(report: Report, rttMs: number): FeedbackSample {
  return {
    highestOwdMs: report.highestOwdMs,
    highestMark: report.highest.mark,
    highestSentMs: report.highest.sentMs,
    fastestOwdMs: report.fastestOwdMs,
    fastestMark: report.fastest.mark,
    receivedBytes: report.receivedBytes,
    arrivalMs: report.arrivalMs,
    rttMs,
  };
}

/** The peer: what arrives on one path, reported every 10 ms when there is news. */
class Receiver {
  #bytes = 0;
  #arrivalMs = 0;
  #highest: Datagram | undefined;
  #highestOwdMs = 0;
  #highestAtMs = 0;
  #fastest: Datagram | undefined;
  #fastestOwdMs = 0;
  #fresh: Datagram[] = [];
  /** What the three reports before told, told again: two of them may be lost. */
  readonly #told: Datagram[][] = [[], [], []];
  readonly #driftPpm: number;
  readonly #errorMs: (nowMs: number) => number;

  constructor({ driftPpm, clockErrorMs }: Situation) {
    this.#driftPpm = driftPpm ?? 0;
    this.#errorMs = clockErrorMs ?? (() => 0);
  }

  onDatagram(datagram: Datagram, nowMs: number): void {
    const clockMs = CLOCK_OFFSET_MS + nowMs * (1 + this.#driftPpm / 1e6) + this.#errorMs(nowMs);
    const owdMs = clockMs - datagram.sentMs;
    this.#bytes += datagram.bytes;
    this.#arrivalMs = clockMs;
    this.#fresh.push(datagram);
    if (this.#highest === undefined || datagram.counter > this.#highest.counter) {
      this.#highest = datagram;
      this.#highestOwdMs = owdMs;
      this.#highestAtMs = nowMs;
    }
    if (this.#fastest === undefined || owdMs < this.#fastestOwdMs) {
      this.#fastest = datagram;
      this.#fastestOwdMs = owdMs;
    }
  }

  report(to: Sender, nowMs: number): Report | undefined {
    if (this.#fresh.length === 0 || this.#highest === undefined) return undefined;
    const fastest = this.#fastest ?? this.#highest;
    const acknowledged = [...this.#told.flat(), ...this.#fresh];
    this.#told.shift();
    this.#told.push(this.#fresh);
    this.#fresh = [];
    this.#fastest = undefined;
    return {
      to,
      highest: this.#highest,
      highestOwdMs: this.#highestOwdMs,
      fastest,
      fastestOwdMs: this.#fastestOwdMs,
      receivedBytes: this.#bytes,
      arrivalMs: this.#arrivalMs,
      heldMs: nowMs - this.#highestAtMs,
      acknowledged,
    };
  }
}

/** Runs one controller in one situation with one seed. */
export function runSituation(
  situation: Situation,
  makeController: (index: number) => PathController,
  seed: number,
  trace?: (nowMs: number, controller: PathController, queueMs: number) => void,
): Outcome {
  const network = new VirtualNetwork(seed);
  const senders: Sender[] = [];
  const back = network.line<Report>({ delayMs: situation.backMs }, (report, nowMs) =>
    report.to.onReport(report, nowMs),
  );
  if (situation.sharingKnownMs !== undefined) {
    network.at(situation.sharingKnownMs, () => {
      for (const sender of senders) sender.controller.setSharing(2);
    });
  }
  const receivers = new Map<Sender, Receiver>();
  const slices: number[] = [];
  let cubicBytes = 0;
  const line: VirtualLine<Datagram> = network.line<Datagram>(situation.line, (datagram, nowMs) => {
    if (datagram.owner instanceof CubicFlow) {
      const { owner, counter } = datagram;
      if (nowMs >= situation.fromMs) cubicBytes += datagram.bytes;
      network.after(situation.backMs, () => owner.onAcknowledged(counter, network.nowMs));
      return;
    }
    receivers.get(datagram.owner)?.onDatagram(datagram, nowMs);
    const slice = Math.floor(nowMs / SLICE_MS);
    slices[slice] = (slices[slice] ?? 0) + datagram.bytes;
  });
  const police = makePolicer(situation);
  const shape = makeShaper(situation, line);
  let dropped = 0;
  let offered = 0;
  for (let index = 0; index < (situation.twins ? 2 : 1); index++) {
    const sender = new Sender(makeController(index), situation, (datagram) => {
      const counts = network.nowMs >= situation.fromMs;
      if (counts) offered++;
      shape(datagram.bytes, network.nowMs);
      if (police(datagram.bytes, network.nowMs) && line.send(datagram, datagram.bytes, network.nowMs)) return;
      if (counts) dropped++;
    });
    senders.push(sender);
    const receiver = new Receiver(situation);
    receivers.set(sender, receiver);
    network.at(situation.startMs ?? 0, () => network.add(sender));
    network.every(situation.feedbackMs ?? FEEDBACK_MS, () =>
      sendReport(network, back, situation, receiver.report(sender, network.nowMs)),
    );
  }
  startCompetitor(network, line, situation, seed);
  situation.script?.(network, line.settings);
  const queues: number[] = [];
  network.every(5, () => {
    const queueMs = line.queueMs(network.nowMs);
    if (network.nowMs >= situation.fromMs) queues.push(queueMs);
    for (const sender of senders) trace?.(network.nowMs, sender.controller, queueMs);
  });
  network.run(situation.runMs);
  return outcome(situation, line.settings, slices, queues, cubicBytes, offered === 0 ? 0 : dropped / offered);
}

function sendReport(network: VirtualNetwork, back: VirtualLine<Report>, situation: Situation, report?: Report): void {
  if (report === undefined || network.random() < (situation.feedbackLossRatio ?? 0)) return;
  const bunchMs = situation.feedbackBunchMs ?? 0;
  const nowMs = network.nowMs;
  const atMs = bunchMs > 0 ? Math.ceil(nowMs / bunchMs) * bunchMs : nowMs;
  if (atMs > nowMs) network.at(atMs, () => back.send(report, 100, network.nowMs));
  else back.send(report, 100, nowMs);
}

function makePolicer({ policer }: Situation): (bytes: number, nowMs: number) => boolean {
  if (policer === undefined) return () => true;
  let tokens = policer.burstBytes;
  let filledMs = 0;
  return (bytes, nowMs) => {
    tokens = Math.min(policer.burstBytes, tokens + ((nowMs - filledMs) * policer.kbps) / 8);
    filledMs = nowMs;
    if (tokens < bytes) return false;
    tokens -= bytes;
    return true;
  };
}

function startCompetitor(
  network: VirtualNetwork,
  line: VirtualLine<Datagram>,
  { competitor }: Situation,
  seed: number,
): void {
  if (competitor === undefined) return;
  let isOn = true;
  const flow: CubicFlow = new CubicFlow({
    send: (counter, bytes, nowMs) =>
      isOn && line.send({ owner: flow, counter, bytes, sentMs: nowMs, mark: emptyMark() }, bytes, nowMs),
  });
  const fromMs = competitor.fromMs + COMPETITOR_STEP_MS * seed;
  network.at(fromMs, () => flow.start(network.nowMs));
  network.at(competitor.toMs, () => {
    isOn = false;
  });
  network.every(100, () => network.nowMs > fromMs && flow.onTick(network.nowMs), competitor.toMs);
}

function outcome(
  situation: Situation,
  line: LineSettings,
  slices: readonly number[],
  queues: number[],
  cubicBytes: number,
  lossRatio: number,
): Outcome {
  const capacity = situation.capacityKbps ?? ((nowMs: number) => capacityOf(line, nowMs));
  let delivered = 0;
  let possible = 0;
  let convergedMs = Number.POSITIVE_INFINITY;
  for (let slice = 0; slice * SLICE_MS < situation.runMs; slice++) {
    const startMs = slice * SLICE_MS;
    const bytes = slices[slice] ?? 0;
    let could = 0;
    for (let ms = 0; ms < SLICE_MS; ms += 10) could += (capacity(startMs + ms) / 8) * 10;
    if (convergedMs === Number.POSITIVE_INFINITY && bytes >= 0.9 * could) convergedMs = startMs + SLICE_MS;
    if (startMs < situation.fromMs) continue;
    delivered += bytes;
    possible += could;
  }
  queues.sort((a, b) => a - b);
  return {
    use: delivered / possible,
    allUse: (delivered + cubicBytes) / possible,
    queueP50Ms: quantile(queues, 0.5) ?? 0,
    queueP95Ms: quantile(queues, 0.95) ?? 0,
    lossRatio,
    convergedMs,
  };
}

function makeShaper({ shaper }: Situation, line: VirtualLine<Datagram>): (bytes: number, nowMs: number) => void {
  if (shaper === undefined) return () => undefined;
  const { kbps, burstBytes } = shaper;
  const fastKbps = line.settings.rateKbps;
  let tokens = burstBytes;
  let busyUntilMs = 0;
  let isFast = true;
  line.settings.rateAtMs = () => (isFast ? fastKbps : kbps);
  return (bytes, nowMs) => {
    // What waits uses up what comes in meanwhile.
    tokens = Math.min(burstBytes, tokens + (Math.max(0, nowMs - busyUntilMs) * kbps) / 8);
    isFast = tokens >= bytes;
    if (isFast) tokens -= bytes;
    busyUntilMs = nowMs + line.queueMs(nowMs) + (isFast ? 0 : (8 * bytes) / kbps);
  };
}

function capacityOf(line: LineSettings, nowMs: number): number {
  return line.rateAtMs?.(nowMs) ?? line.rateKbps;
}
