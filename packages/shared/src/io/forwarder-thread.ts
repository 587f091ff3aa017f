import { Worker } from "node:worker_threads";
import { EX_OSERR, WanbondError } from "../errors.ts";
import type { ForwarderCommand, ForwarderEvent, ForwarderOptions, ForwarderSnapshot } from "../pipeline/index.ts";
import { native } from "./native.ts";

/** What the forwarder's thread is started with. All of it survives the way between threads. */
export interface ForwarderThreadData {
  readonly options: Omit<ForwarderOptions, "random">;
  /** Signalled when commands wait. */
  readonly wakeFd: number;
  readonly netlinkFd: number;
}

/** A snapshot that takes longer means that the thread is gone or stuck. */
const SNAPSHOT_TIMEOUT_MS = 2_000;

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
  readonly #waiting = new Map<number, (snapshot: ForwarderSnapshot) => void>();
  #nextSnapshot = 1;
  #stopping = false;

  /** @param onFailure the thread ended by itself: nothing is forwarded any more. */
  constructor(
    options: ForwarderThreadData["options"],
    onEvent: (event: ForwarderEvent) => void,
    onFailure: (error: Error) => void,
  ) {
    this.#wakeFd = this.#addon.eventfdOpen();
    this.#netlinkFd = this.#addon.netlinkOpen();
    const workerData: ForwarderThreadData = { options, wakeFd: this.#wakeFd, netlinkFd: this.#netlinkFd };
    this.#worker = new Worker(new URL("./forwarder-worker.js", import.meta.url), { workerData });
    this.#worker.on("message", (event: ForwarderEvent) => {
      if (event.type === "snapshot") this.#onSnapshot(event.id, event.snapshot);
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

  send(command: ForwarderCommand): void {
    this.#worker.postMessage(command);
    this.#addon.eventfdSignal(this.#wakeFd);
  }

  /** Figures of this moment. @throws Error when the thread does not answer. */
  snapshot(): Promise<ForwarderSnapshot> {
    const id = this.#nextSnapshot++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error("the forwarder does not answer"));
      }, SNAPSHOT_TIMEOUT_MS);
      this.#waiting.set(id, (snapshot) => {
        clearTimeout(timer);
        resolve(snapshot);
      });
      this.send({ type: "snapshot", id });
    });
  }

  /** Commands sent before are carried out first. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.send({ type: "stop" });
    await this.#exited;
    this.#addon.close(this.#wakeFd);
    this.#addon.close(this.#netlinkFd);
  }

  #onSnapshot(id: number, snapshot: ForwarderSnapshot): void {
    this.#waiting.get(id)?.(snapshot);
    this.#waiting.delete(id);
  }
}

function tapGone(): WanbondError {
  const sentence = "Somebody has removed the TAP while it was in use (ip link del). Start wanbond again.";
  return new WanbondError("WB_TAP_GONE", EX_OSERR, sentence);
}
