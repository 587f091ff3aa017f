import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { EX_OSERR, WanbondError } from "../errors.ts";
import type { SenderHistory } from "../peer/index.ts";
import type { ForwarderCommand, ForwarderEvent, ForwarderOptions, ForwarderSnapshot } from "../pipeline/index.ts";
import { PACKET_LOOP_FLAG } from "./forwarder-engine.ts";
import { native } from "./native.ts";

/** What the forwarder's thread is started with. All of it survives the way between threads. */
export interface ForwarderThreadData {
  readonly options: Omit<ForwarderOptions, "random" | "needs">;
  /** Signalled when commands wait. */
  readonly wakeFd: number;
  readonly netlinkFd: number;
}

/** An answer that takes longer means that the thread is gone or stuck. */
const ANSWER_TIMEOUT_MS = 2_000;
/** What the thread allocates lives for moments: more room than this for it would only be touched in turn. */
const YOUNG_MEGABYTES = 6;

/** Questions to the thread that wait for their answers. */
class Questions<Answer> {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  /** @param send gives the question with its number to the thread. @throws Error when the thread does not answer. */
  ask(send: (id: number) => void): Promise<Answer> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error("the forwarder does not answer"));
      }, ANSWER_TIMEOUT_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      send(id);
    });
  }

  onAnswer(id: number, answer: Answer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}

/**
 * The main thread's handle on the forwarder's thread. Descriptors are plain numbers and belong to who opened them;
 * the wake-up and
 * the rtnetlink socket are opened and closed here, and sockets that were removed are closed.
 */
export class ForwarderThread {
  readonly #addon = native();
  readonly #wakeFd: number;
  readonly #netlinkFd: number;
  readonly #worker: Worker;
  /** It may have ended by itself before it is stopped. */
  readonly #exited: Promise<void>;
  readonly #snapshots = new Questions<ForwarderSnapshot>();
  readonly #histories = new Questions<SenderHistory>();
  #stopping = false;
  #stopped = false;

  /** @param onFailure the thread ended by itself: nothing is forwarded any more. */
  constructor(
    options: ForwarderThreadData["options"],
    onEvent: (event: ForwarderEvent) => void,
    onFailure: (error: Error) => void,
  ) {
    this.#wakeFd = this.#addon.eventfdOpen();
    this.#netlinkFd = this.#addon.netlinkOpen();
    setFlagsFromString(PACKET_LOOP_FLAG);
    const workerData: ForwarderThreadData = { options, wakeFd: this.#wakeFd, netlinkFd: this.#netlinkFd };
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MEGABYTES };
    this.#worker = new Worker(new URL("./forwarder-worker.js", import.meta.url), { workerData, resourceLimits });
    this.#worker.on("message", (event: ForwarderEvent) => {
      if (event.type === "snapshot") this.#snapshots.onAnswer(event.id, event.snapshot);
      else if (event.type === "history") this.#histories.onAnswer(event.id, event.history);
      else if (event.type === "socket-released") this.#addon.close(event.socket);
      else if (event.type === "tap-gone") onFailure(tapGone());
      else onEvent(event);
    });
    this.#worker.on("error", onFailure);
    this.#exited = new Promise((resolve) => {
      this.#worker.on("exit", () => {
        if (!this.#stopping) onFailure(new Error("the forwarder's thread ended"));
        resolve();
      });
    });
  }

  /** Without effect once the thread has ended: the number of its wake-up may mean something else by then. */
  send(command: ForwarderCommand): void {
    if (this.#stopped) return;
    this.#worker.postMessage(command);
    this.#addon.eventfdSignal(this.#wakeFd);
  }

  /** Figures of this moment. @throws Error when the thread does not answer. */
  snapshot(): Promise<ForwarderSnapshot> {
    return this.#snapshots.ask((id) => this.send({ type: "snapshot", id }));
  }

  /** What the sender of a peer remembers of a path. @throws Error when the thread does not answer. */
  history(peerId: number, pathNumber: number): Promise<SenderHistory> {
    return this.#histories.ask((id) => this.send({ type: "history", id, peerId, pathNumber }));
  }

  /** Commands sent before are carried out first. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.send({ type: "stop" });
    await this.#exited;
    this.#stopped = true;
    this.#addon.close(this.#wakeFd);
    this.#addon.close(this.#netlinkFd);
  }
}

function tapGone(): WanbondError {
  const sentence = "Somebody has removed the TAP while it was in use (ip link del). Start wanbond again.";
  return new WanbondError("WB_TAP_GONE", EX_OSERR, sentence);
}
