import { type ForwarderThread, native } from "@wanbond/shared/io";
import type { ForwarderEvent, MeasureQuestion } from "@wanbond/shared/pipeline";
import { ENDPOINT_FAMILY, ENDPOINT_PORT, FIRST_SIDE_PATH } from "@wanbond/shared/wire";
import type { Line } from "./line.ts";

export type Observation = Extract<ForwarderEvent, { type: "observed" }>;

/** A filled line may bring a train late, but not by more. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** Questions under way and the sockets they go out by; answers come as events of the packet loop. */
export class MeasureChannel {
  readonly thread: ForwarderThread;
  readonly peerId: number;
  readonly #waiting = new Map<number, (observation: Observation) => void>();
  #nextId: number;
  #nextTrain: number;

  /** @param random u32s to start from, so that late answers to an earlier run mean nothing here. */
  constructor(thread: ForwarderThread, peerId: number, random: () => number) {
    this.thread = thread;
    this.peerId = peerId;
    this.#nextId = random();
    this.#nextTrain = random();
  }

  onObserved(observation: Observation): void {
    this.#waiting.get(observation.answer.id)?.(observation);
  }

  newTrain(): number {
    this.#nextTrain = (this.#nextTrain + 1) >>> 0;
    return this.#nextTrain;
  }

  /** Calls back at most once. @returns the number of the question, and how to give up waiting. */
  expect(onAnswer: (observation: Observation) => void): { readonly id: number; cancel(): void } {
    this.#nextId = (this.#nextId + 1) >>> 0;
    const id = this.#nextId;
    this.#waiting.set(id, (observation) => {
      this.#waiting.delete(id);
      onAnswer(observation);
    });
    return { id, cancel: () => void this.#waiting.delete(id) };
  }
}

/** A socket on one line that asks the concentrator questions within the session. */
export class SideSocket {
  readonly channel: MeasureChannel;
  readonly port: number;
  readonly #endpoint: Int32Array;
  readonly #sidePath: number;
  readonly #fd: number;

  /** @param index of the line. @throws Error when the kernel refuses the socket. */
  constructor(channel: MeasureChannel, line: Line, index: number) {
    if (line.endpoint === null || line.source === null) throw new Error(`${line.name} cannot be measured`);
    this.channel = channel;
    this.#endpoint = line.endpoint;
    this.#sidePath = FIRST_SIDE_PATH + index;
    const family = line.endpoint[ENDPOINT_FAMILY] === 6 ? 6 : 4;
    const place = {
      family,
      address: line.source,
      port: 0,
      ...(line.device !== null && { device: line.device }),
    } as const;
    const options = { ...place, bufferBytes: SOCKET_BUFFER_BYTES, gro: true, packetInfo: false };
    this.#fd = native().udpOpen(options).fd;
    this.port = native().localPort(this.#fd);
    channel.thread.send({ type: "add-socket", socket: this.#fd });
  }

  /** @param port of the concentrator; the one of the endpoint without it. */
  ask(question: MeasureQuestion, port?: number): void {
    const { peerId, thread } = this.channel;
    const endpoint = this.#endpoint.slice();
    if (port !== undefined) endpoint[ENDPOINT_PORT] = port;
    thread.send({ type: "measure", peerId, socket: this.#fd, endpoint, sidePath: this.#sidePath, question });
  }

  /** One question and its answer. @returns null when none came in time. */
  observe(
    timeoutMs: number,
    { train = 0, flags = 0, port = undefined as number | undefined } = {},
  ): Promise<Observation | null> {
    return new Promise((resolve) => {
      const question = this.channel.expect((observation) => {
        clearTimeout(timer);
        resolve(observation);
      });
      const timer = setTimeout(() => {
        question.cancel();
        resolve(null);
      }, timeoutMs);
      this.ask({ type: "observe", id: question.id, train, flags }, port);
    });
  }

  /** The descriptor is closed by the thread that reads it. */
  close(): void {
    this.channel.thread.send({ type: "remove-socket", socket: this.#fd });
  }
}
