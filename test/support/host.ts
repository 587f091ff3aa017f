import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { HostCalls } from "./host-calls.ts";
import type { Namespace } from "./netns.ts";
import { scriptCommand } from "./script.ts";

/** The port that Host.serve takes in the tests. */
export const HOST_PORT = 5400;

type Call = keyof HostCalls;
type Options<Name extends Call> = Parameters<HostCalls[Name]>[0];
type Answer<Name extends Call> = Awaited<ReturnType<HostCalls[Name]>>;

/** An application's sockets inside a namespace: one process (host-main.ts) that does what it is asked. */
export class Host {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  constructor(namespace: Namespace) {
    this.#process = namespace.spawn(scriptCommand("host-main.ts"), { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#process.stdout === null) throw new Error("unreachable: standard output is a pipe");
    createInterface(this.#process.stdout).on("line", (line) => this.#onAnswer(line));
    this.#process.stdin?.on("error", () => undefined); // It has ended, which the waiting ones are told.
    this.#process.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the host's process has ended"));
    });
  }

  /** @throws Error with what the host says of a connection refused, a deadline missed and the like. */
  ask<Name extends Call>(call: Name, options: Options<Name>): Promise<Answer<Name>> {
    const id = ++this.#lastId;
    this.#process.stdin?.write(`${JSON.stringify({ id, call, options })}\n`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.stdin?.end();
    await ended;
  }

  #onAnswer(line: string): void {
    const { id, result, error } = JSON.parse(line);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result as never);
    else waiting?.reject(new Error(error));
  }
}
