import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Namespace } from "../support/netns.ts";
import { measurePing } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

const OUTPUT_KEPT = 2000;

/** A program of others that runs in the foreground inside a namespace. */
export class Daemon {
  readonly pid: number;
  readonly #process: ChildProcess;
  #output = "";

  constructor(namespace: Namespace, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#process = namespace.spawn(command, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.pid = this.#process.pid ?? 0;
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_KEPT);
      });
    }
  }

  /** Resolves when this device is there. @throws Error with what the program said, when it is not in time. */
  async makes(namespace: Namespace, device: string): Promise<void> {
    const isThere = async () => (await namespace.exec(["ls", "/sys/class/net"])).split("\n").includes(device);
    await this.#within(waitFor(isThere, { what: `the device ${device} is there` }));
  }

  /** Resolves when this address answers. @throws Error with what the program said, when it does not in time. */
  async reaches(namespace: Namespace, address: string): Promise<void> {
    const answers = async () => (await measurePing(namespace, address, { seconds: 0.05 })).received > 0;
    await this.#within(waitFor(answers, { what: `${address} answers`, deadlineMs: 20_000 }));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    const impatience = setTimeout(() => this.#process.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(impatience);
  }

  async #within(condition: Promise<unknown>): Promise<void> {
    try {
      await condition;
    } catch (error) {
      throw new Error(`${String(error)}\n${this.#output}`);
    }
  }
}
