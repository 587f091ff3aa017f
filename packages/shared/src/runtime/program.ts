import { join } from "node:path";
import { createEventLog, type EventLog, EventRing, type StatusSource, startControlServer } from "../control/index.ts";
import {
  acquireInstanceLock,
  createRunner,
  type FailedChange,
  makeStateDirectory,
  type Requirements,
  type Runner,
  removeIfEmpty,
  requirePrerequisites,
  SystemChanges,
  stateDirectory,
} from "../system/index.ts";
import { RepeatedTask } from "./repeated-task.ts";
import { ServiceManager } from "./service-manager.ts";

/** What both programs are told by their configuration files in the same words. */
export interface ProgramSettings {
  readonly role: "client" | "concentrator";
  readonly tap: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** null: the one of this network namespace. */
  readonly stateDirectory: string | null;
  /** null: ROLE.sock in the state directory. */
  readonly controlSocket: string | null;
  readonly pretty: boolean;
  readonly requirements: Requirements;
  /** Changes that guard the LAN while this program does not run. */
  readonly keeps?: KeptChanges | undefined;
}

/** Changes of the system that outlive a crash or failure: the next start finds them in force and goes on with them. */
interface KeptChanges {
  /** Of their keys. */
  readonly prefix: string;
  /** They outlive a stop, too. */
  readonly afterStop: boolean;
}

/** What a program finds ready when it starts. */
export interface ProgramContext {
  readonly log: EventLog;
  readonly runner: Runner;
  readonly changes: SystemChanges;
  /** Number of the instance lock: it picks routing tables and priorities. */
  readonly instance: number;
  /** Ends the program with this error, after a clean stop: what it needs is gone. */
  fail(error: Error): void;
}

/** A program at work. */
export interface Running extends StatusSource {
  /** Tells the far end, stops forwarding, closes descriptors. System changes are taken back afterwards. */
  stop(): Promise<void>;
}

/**
 * Runs a program in the foreground: prerequisites, lock, what a killed run left behind, the program itself, its control
 * socket; until SIGTERM or SIGINT, then everything is taken back.
 *
 * @throws WanbondError when it cannot start; nothing on the system is changed then.
 */
export async function runProgram(
  settings: ProgramSettings,
  start: (context: ProgramContext) => Promise<Running>,
): Promise<void> {
  const events = new EventRing();
  const log = createEventLog({ role: settings.role, level: settings.logLevel, pretty: settings.pretty, ring: events });
  const runner = createRunner();
  await requirePrerequisites(runner, settings.requirements);
  const directory = settings.stateDirectory ?? stateDirectory();
  makeStateDirectory(directory);
  const name = `${settings.role}-${settings.tap}`;
  const lock = acquireInstanceLock(directory, name);
  const changes = new SystemChanges(runner, join(directory, `${name}.journal`));
  const ending = new Ending();
  const manager = new ServiceManager();
  try {
    reportFailed(
      log,
      await changes.recover(keptOf(settings.keeps)),
      "a change of a killed run could not be taken back",
    );
    const context = { log, runner, changes, instance: lock.number, fail: (error: Error) => ending.fail(error) };
    const program = await start(context);
    try {
      const socketPath = settings.controlSocket ?? join(directory, `${settings.role}.sock`);
      const control = await startControlServer({ socketPath, source: program, events });
      manager.ready();
      const stopCaring = startCaring(manager, program);
      const reason = await ending.reached.finally(stopCaring);
      manager.stopping();
      log.info({ event: "stopping", reason }, "taking back every change");
      await control.close();
    } finally {
      await program.stop();
    }
  } finally {
    const kept = ending.isStop && settings.keeps?.afterStop !== true ? undefined : settings.keeps;
    reportFailed(
      log,
      await changes.undoAll(keptOf(kept)),
      "a change could not be taken back; the next start tries again",
    );
    lock.release();
    removeIfEmpty(directory);
    ending.dispose();
  }
  log.info({ event: "stopped" }, "stopped");
}

/** Pings the service manager until the function that it returns is called. */
function startCaring(manager: ServiceManager, program: Running): () => void {
  if (manager.careMs === null) return () => undefined;
  const task = new RepeatedTask(() => manager.care(async () => program.read()), manager.careMs);
  void task.runNow();
  return () => void task.stop();
}

function keptOf(keeps: KeptChanges | undefined): (key: string) => boolean {
  return (key) => keeps !== undefined && key.startsWith(keeps.prefix);
}

function reportFailed(log: EventLog, failed: readonly FailedChange[], sentence: string): void {
  for (const change of failed)
    log.error({ event: "change-left", change: change.key, problem: change.problem }, sentence);
}

/** A signal, or a failure. */
class Ending {
  readonly reached: Promise<string>;
  readonly #signals = ["SIGTERM", "SIGINT"] as const;
  #resolve: (reason: string) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  /** A signal has come: somebody wants it to end. */
  isStop = false;
  readonly #onSignal = (signal: string): void => {
    this.isStop = true;
    this.#resolve(signal);
  };

  constructor() {
    this.reached = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A failure before anybody waits is found when somebody does.
    this.reached.catch(() => undefined);
    for (const signal of this.#signals) process.on(signal, this.#onSignal);
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  dispose(): void {
    for (const signal of this.#signals) process.off(signal, this.#onSignal);
  }
}
