import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readStatus, type StatusSnapshot } from "@wanbond/shared/control";
import type { Namespace } from "./netns.ts";
import { monotonicMs } from "./script.ts";
import { waitFor } from "./wait.ts";

const WANBOND = fileURLToPath(new URL("../../packages/shared/dist/wanbond.js", import.meta.url));

/** Whether a member in this state carries frames, or would at once if the policy needed it. */
export function isUsable(state: string): boolean {
  return state === "up" || state === "standby";
}

/** The command line of the built program. */
export function wanbondCommand(...parameters: readonly string[]): string[] {
  return [process.execPath, WANBOND, ...parameters];
}

/** One line of a program's log: JSON by pino. */
export interface LogLine {
  readonly event?: string;
  /** When it was read here, in CLOCK_MONOTONIC. */
  readonly readAtMs: number;
  readonly [key: string]: unknown;
}

/** A real `wanbond client run` or `wanbond concentrator run` inside a namespace; may be started again after its end. */
export class Program {
  readonly role: "client" | "concentrator";
  readonly configFile: string;
  readonly controlSocket: string;
  /** The log since the first start, of all starts. */
  readonly logs: LogLine[] = [];
  /** What is not JSON on stdout, and all of stderr. */
  text = "";
  readonly #namespace: Namespace;
  readonly #prefix: readonly string[];

  #process: ChildProcess | undefined;

  /** @param folder of ROLE.toml and ROLE.sock. @param prefix put before the command; has to exec what follows. */
  constructor(role: "client" | "concentrator", namespace: Namespace, folder: string, prefix: readonly string[] = []) {
    this.role = role;
    this.#namespace = namespace;
    this.configFile = join(folder, `${role}.toml`);
    this.controlSocket = join(folder, `${role}.sock`);
    this.#prefix = prefix;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Of the last start; null when a signal ended it, undefined while it runs. */
  get exitStatus(): number | null | undefined {
    const started = this.#process;
    if (started === undefined || (started.exitCode === null && started.signalCode === null)) return undefined;
    return started.exitCode;
  }

  /** Starts it and waits until its control socket answers. @throws Error with what it said, when it ends instead. */
  async start(): Promise<void> {
    const command = [...this.#prefix, ...wanbondCommand(this.role, "run", "--config", this.configFile)];
    const started = this.#namespace.spawn(command, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = started;
    this.#collect(started);
    const answers = () => started.exitCode !== null || this.#answers();
    await waitFor(answers, { what: `${this.role} is ready`, deadlineMs: 15_000 }).catch((error: unknown) => {
      started.kill("SIGKILL");
      throw new Error(`${String(error)}\n${this.transcript()}`);
    });
    if (started.exitCode !== null) {
      throw new Error(`${this.role} ended with status ${started.exitCode}\n${this.transcript()}`);
    }
  }

  /** The logged lines of one event. @param from index of the first line to look at. */
  events(event: string, from = 0): LogLine[] {
    return this.logs.slice(from).filter((line) => line.event === event);
  }

  /** SIGTERM. @returns the exit status; null when it was killed because it had not ended after 10 s. */
  async stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  /** kill -9: nothing is taken back. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Straight from the control socket, which costs no process. */
  status(): Promise<StatusSnapshot> {
    return readStatus(this.controlSocket);
  }

  /** What it said last, for the message of a failed test. */
  transcript(lineCount = 50): string {
    const lines = this.logs.slice(-lineCount).map((line) => JSON.stringify(line));
    return [`${this.role}:`, ...lines, this.text.slice(-4000)].join("\n");
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.status()).pid === this.pid;
    } catch {
      return false; // Nobody listens yet.
    }
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) {
      return running?.exitCode ?? null;
    }
    const ended = once(running, "exit");
    running.kill(signal);
    const impatience = setTimeout(() => running.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(impatience);
    return running.exitCode;
  }

  #collect(started: ChildProcess): void {
    let rest = "";
    started.stdout?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#collectLine(line);
    });
    started.stderr?.on("data", (chunk: Buffer) => {
      this.text += chunk.toString();
    });
  }

  #collectLine(line: string): void {
    try {
      this.logs.push({ ...JSON.parse(line), readAtMs: monotonicMs() });
    } catch {
      this.text += `${line}\n`; // A stack trace, a warning of node: kept as text.
    }
  }
}
