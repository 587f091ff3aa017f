import type { Peer } from "../peer/index.ts";
import {
  type DelayedReply,
  ENDPOINT_WORDS,
  FIRST_SIDE_PATH,
  formatEndpoint,
  type Load,
  OBSERVE_SECOND_PORT,
  type Observe,
  type Observed,
  type ProgramVersion,
} from "../wire/index.ts";
import { ArrivedTrains } from "./arrived-trains.ts";
import type { DropCounters } from "./drops.ts";
import type { EmitEvent } from "./events.ts";
import { KnownSources } from "./known-sources.ts";
import { LoadBudget } from "./load-budget.ts";
import type { MeasureQuestion } from "./measure-question.ts";
import type { Origin } from "./origin.ts";
import { SIDE_BATCH, type SideSender, type SideTarget, sideOverheadBytes } from "./side-sender.ts";
import { MAX_TRAIN_BYTES, MAX_TRAIN_KBPS, MAX_TRAIN_SIZE_BYTES, MIN_TRAIN_SIZE_BYTES, Train } from "./train.ts";

/** The asker's clock in datagrams: units of 4 us, modulo 2^32. */
const UNITS_PER_MS = 250;
const TWO_32 = 0x100000000;
/** Answers of one peer that wait for their time. */
const MAX_WAITING = 512;
const MAX_WAIT_MS = 120_000;

/** What a program tells of itself, and what it needs of the outside to answer. */
export interface MeasurementNeeds {
  /** Milliseconds since 1970. */
  wallNowMs(): number;
  /** An unpredictable u32. */
  token(): number;
  readonly version: ProgramVersion;
}

interface Waiting {
  readonly dueMs: number;
  readonly target: SideTarget;
  readonly question: { readonly id: number; readonly time: number };
}

/** What is known of one peer that measures or is measured. */
interface PeerMeasurements {
  readonly arrived: ArrivedTrains;
  readonly sources: KnownSources;
  readonly budget: LoadBudget;
  readonly waiting: Waiting[];
  trains: Train[];
}

/**
 * The measuring of lines within a session, at both ends: answers questions about addresses, sends trains of datagrams and
 * counts those that arrive. Only who holds the session's keys is answered, at the address it receives at, and what one
 * peer may have sent is bounded in rate, bytes and number.
 */
export class Measurements {
  readonly #sender: SideSender;
  readonly #emit: EmitEvent;
  readonly #drops: DropCounters;
  readonly #needs: MeasurementNeeds;
  readonly #peers = new Map<Peer, PeerMeasurements>();
  /** Of this end, for whoever asks for it; 0: there is none. */
  secondPort = 0;

  constructor(sender: SideSender, emit: EmitEvent, drops: DropCounters, needs: MeasurementNeeds) {
    this.#sender = sender;
    this.#emit = emit;
    this.#drops = drops;
    this.#needs = needs;
  }

  // ---- the far end asks

  onObserve(peer: Peer, origin: Origin, sidePath: number, question: Observe, nowMs: number): void {
    if (sidePath < FIRST_SIDE_PATH) {
      this.#refuse();
      return;
    }
    const wantsSecond = (question.flags & OBSERVE_SECOND_PORT) !== 0;
    if (wantsSecond && this.secondPort === 0 && peer.requests.take(nowMs)) {
      this.#emit({ type: "second-port-wanted", peerId: peer.id, socket: origin.socket });
    }
    this.#answer(peer, targetOf(origin, sidePath), question);
  }

  onDelayedReply(peer: Peer, origin: Origin, sidePath: number, question: DelayedReply, nowMs: number): void {
    const { sources, waiting } = this.#of(peer);
    const isBounded = waiting.length < MAX_WAITING && question.waitMs <= MAX_WAIT_MS;
    const isKnown = sources.knows(origin.endpoints, origin.endpointIndex, question.token);
    if (peer.enrolling || sidePath < FIRST_SIDE_PATH || !isBounded || !isKnown) {
      this.#refuse();
      return;
    }
    waiting.push({ dueMs: nowMs + question.waitMs, target: targetOf(origin, sidePath), question });
  }

  onLoad(peer: Peer, origin: Origin, sidePath: number, question: Load, nowMs: number): void {
    const state = this.#of(peer);
    const isKnown = state.sources.knows(origin.endpoints, origin.endpointIndex, question.token);
    if (peer.enrolling || sidePath < FIRST_SIDE_PATH || !isKnown || !isWithinLimits(question)) {
      this.#refuse();
      return;
    }
    if (!state.budget.take(question.bytes, state.trains.length, nowMs)) {
      this.#refuse();
      return;
    }
    const target = targetOf(origin, sidePath);
    state.trains.push(new Train(question.train, target, question, nowMs));
    const { rateKbps, bytes } = question;
    if (bytes < REPORTED_LOAD_BYTES || !peer.requests.take(nowMs)) return;
    this.#emit({ type: "load-answered", peerId: peer.id, to: formatEndpoint(target.endpoint), rateKbps, bytes });
  }

  /** @param messageBytes of the whole datagram's messages. */
  onTrain(peer: Peer, origin: Origin, train: number, messageBytes: number, nowMs: number): void {
    const bytes = messageBytes + sideOverheadBytes(origin.endpoints, origin.endpointIndex);
    this.#of(peer).arrived.onArrival(train, bytes, nowMs);
  }

  // ---- we ask

  ask(peer: Peer, target: SideTarget, question: MeasureQuestion, nowMs: number): void {
    const time = Math.round(nowMs * UNITS_PER_MS) % TWO_32;
    switch (question.type) {
      case "observe":
        this.#sender.send(peer, target, 1, (writer) => writer.observe({ ...question, time }));
        break;
      case "delayed-reply":
        this.#sender.send(peer, target, 1, (writer) => writer.delayedReply({ ...question, time }));
        break;
      case "load":
        this.#sender.send(peer, target, 1, (writer) => writer.load(question));
        break;
      case "train":
        this.#of(peer).trains.push(new Train(question.train, target, question, nowMs));
        break;
    }
  }

  onObserved(peer: Peer, origin: Origin, answer: Observed, nowMs: number): void {
    const { received, bytes, firstMs, lastMs } = this.#of(peer).arrived.of(answer.train);
    const units = (Math.round(nowMs * UNITS_PER_MS) - answer.time + 2 * TWO_32) % TWO_32;
    this.#emit({
      type: "observed",
      peerId: peer.id,
      socket: origin.socket,
      answer,
      sinceAskedMs: units / UNITS_PER_MS,
      wallMs: this.#needs.wallNowMs(),
      here: { received, bytes, spanMs: lastMs - firstMs },
    });
  }

  // ---- time

  /** @returns when it wants to be called again. */
  onTimer(peer: Peer, nowMs: number): number {
    const state = this.#peers.get(peer);
    if (state === undefined) return Number.POSITIVE_INFINITY;
    return Math.min(this.#sendWaiting(peer, state, nowMs), this.#sendTrains(peer, state, nowMs));
  }

  removePeer(peer: Peer): void {
    this.#peers.delete(peer);
  }

  #sendWaiting(peer: Peer, { waiting }: PeerMeasurements, nowMs: number): number {
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (let i = waiting.length - 1; i >= 0; i--) {
      const entry = waiting[i];
      if (entry === undefined) continue;
      if (entry.dueMs > nowMs) {
        deadlineMs = Math.min(deadlineMs, entry.dueMs);
        continue;
      }
      waiting.splice(i, 1);
      this.#answer(peer, entry.target, { ...entry.question, train: 0 });
    }
    return deadlineMs;
  }

  #sendTrains(peer: Peer, state: PeerMeasurements, nowMs: number): number {
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const train of state.trains) {
      this.#sendDue(peer, train, nowMs);
      if (!train.isOver(nowMs)) deadlineMs = Math.min(deadlineMs, train.nextMs(nowMs));
    }
    if (state.trains.some((train) => train.isOver(nowMs))) {
      state.trains = state.trains.filter((train) => !train.isOver(nowMs));
    }
    return deadlineMs;
  }

  #sendDue(peer: Peer, train: Train, nowMs: number): void {
    const messageBytes = train.sizeBytes - sideOverheadBytes(train.target.endpoint);
    for (let due = train.due(nowMs); due > 0; due -= SIDE_BATCH) {
      const count = Math.min(due, SIDE_BATCH);
      const first = train.sent;
      this.#sender.send(peer, train.target, count, (writer, i) => writer.train(train.number, first + i, messageBytes));
      train.onSent(count);
    }
  }

  #answer(peer: Peer, target: SideTarget, question: { id: number; time: number; train: number }): void {
    const state = this.#of(peer);
    const { received, bytes, firstMs, lastMs } = state.arrived.of(question.train);
    const { version } = this.#needs;
    const answer: Observed = {
      ...question,
      received,
      bytes: bytes % TWO_32,
      spanUs: Math.round((lastMs - firstMs) * 1000),
      wallMs: this.#needs.wallNowMs(),
      token: state.sources.tokenOf(target.endpoint, 0),
      secondPort: this.secondPort,
      version,
      seen: target.endpoint,
    };
    this.#sender.send(peer, target, 1, (writer) => writer.observed(answer));
  }

  #refuse(): void {
    this.#drops["control-refused"]++;
  }

  #of(peer: Peer): PeerMeasurements {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    const state = {
      arrived: new ArrivedTrains(),
      sources: new KnownSources(() => this.#needs.token()),
      budget: new LoadBudget(),
      waiting: [],
      trains: [],
    };
    this.#peers.set(peer, state);
    return state;
  }
}

/** Smaller ones look for the path MTU; they are no news. */
const REPORTED_LOAD_BYTES = 16_384;

function isWithinLimits({ rateKbps, bytes, sizeBytes }: Load): boolean {
  const isSize = sizeBytes >= MIN_TRAIN_SIZE_BYTES && sizeBytes <= MAX_TRAIN_SIZE_BYTES;
  return isSize && rateKbps >= 1 && rateKbps <= MAX_TRAIN_KBPS && bytes <= MAX_TRAIN_BYTES;
}

function targetOf({ socket, endpoints, endpointIndex }: Origin, sidePath: number): SideTarget {
  const endpoint = endpoints.slice(endpointIndex * ENDPOINT_WORDS, (endpointIndex + 1) * ENDPOINT_WORDS);
  return { socket, endpoint, sidePath };
}
