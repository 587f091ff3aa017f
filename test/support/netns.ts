import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { PATIENCE } from "./wait.ts";

/**
 * Network namespaces that never outlive their maker: names carry its PID, everything is removed at exit and after
 * Ctrl-C, and leftovers of makers that were killed are swept before the first new namespace is made.
 */
const NAME = /^wb(\d+)-\d+-/;
const living = new Set<Namespace>();
let hooksInstalled = false;
let topologyCount = 0;

export interface ExecOptions {
  /** Given to the command on its standard input. */
  readonly input?: string;
  /** Default 30 s; the command is killed then. */
  readonly deadlineMs?: number;
  /** Exit statuses that are no failure. Default: only 0. */
  readonly accept?: readonly number[];
}

/** Runs a command and resolves with its standard output; rejects with its standard error. */
export function execute(command: readonly string[], options: ExecOptions = {}): Promise<string> {
  const [program = "", ...parameters] = command;
  const { input = "", deadlineMs = 30_000, accept = [0] } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: ["pipe", "pipe", "pipe"], timeout: PATIENCE * deadlineMs });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", reject);
    child.stdin.on("error", () => undefined); // A command that ends without reading its input is judged by its status.
    child.stdin.end(input);
    child.on("close", (status, signal) => {
      const text = Buffer.concat(output).toString();
      if (status !== null && accept.includes(status)) return resolve(text);
      const ending = signal === null ? `status ${status}` : `signal ${signal}`;
      reject(new Error(`${command.join(" ")}: ${ending}\n${Buffer.concat(errors).toString()}${text.slice(-2000)}`));
    });
  });
}

export class Namespace {
  /** As `ip netns` knows it. */
  readonly name: string;
  #removed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs a command inside and resolves with its standard output. */
  exec(command: readonly string[], options?: ExecOptions): Promise<string> {
    return execute(["ip", "netns", "exec", this.name, ...command], options);
  }

  /** Starts a long-running program inside; its process id is the program's own. */
  spawn(command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn("ip", ["netns", "exec", this.name, ...command], options);
  }

  /** Runs `ip` commands inside, one per line, in one process: "addr add 10.0.0.1/24 dev eth0". */
  async ip(...lines: readonly string[]): Promise<void> {
    await execute(["ip", "-n", this.name, "-batch", "-"], { input: `${lines.join("\n")}\n` });
  }

  /** Loads nft commands inside. */
  async nft(commands: string): Promise<void> {
    await this.exec(["nft", "-f", "-"], { input: commands });
  }

  async sysctl(settings: Readonly<Record<string, string | number>>): Promise<void> {
    await this.exec(["sysctl", "-qw", ...Object.entries(settings).map(([key, value]) => `${key}=${value}`)]);
  }

  /** Ends what runs inside and removes the namespace with all its devices. Synchronous, so that it works at exit. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    living.delete(this);
    removeNamespace(this.name);
  }
}

/** Makes the namespaces of one topology, loopback up. @returns one per name, in order. */
export async function createNamespaces(names: readonly string[]): Promise<Namespace[]> {
  requireRoot();
  installHooks();
  topologyCount++;
  const made: Namespace[] = [];
  for (const name of names) {
    const namespace = new Namespace(`wb${process.pid}-${topologyCount}-${name}`);
    living.add(namespace);
    made.push(namespace);
    await execute(["ip", "netns", "add", namespace.name]);
    await namespace.ip("link set lo up");
  }
  return made;
}

/** Joins two namespaces by a veth pair; both ends are up. */
export async function connectVeth(a: Namespace, aDevice: string, b: Namespace, bDevice: string): Promise<void> {
  await execute([
    "ip",
    "link",
    "add",
    aDevice,
    "netns",
    a.name,
    "type",
    "veth",
    "peer",
    "name",
    bDevice,
    "netns",
    b.name,
  ]);
  await Promise.all([a.ip(`link set ${aDevice} up`), b.ip(`link set ${bDevice} up`)]);
}

/** Whether this process may make network namespaces; tests skip themselves without. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function requireRoot(): void {
  if (!isRoot()) throw new Error("Network namespaces need root: run this with sudo.");
}

function installHooks(): void {
  if (hooksInstalled) return;
  hooksInstalled = true;
  sweep();
  process.on("exit", removeAll);
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  for (const [signal, status] of Object.entries(signals)) {
    process.once(signal, () => {
      removeAll();
      process.exit(status);
    });
  }
}

function removeAll(): void {
  for (const namespace of [...living]) namespace.remove();
}

/** Removes what makers that no longer run have left behind. */
function sweep(): void {
  for (const name of namespaceNames()) {
    const pid = Number(NAME.exec(name)?.[1] ?? process.pid);
    if (!isRunning(pid)) removeNamespace(name);
  }
}

function namespaceNames(): string[] {
  try {
    return readdirSync("/run/netns");
  } catch {
    return []; // The folder appears with the first namespace of the machine.
  }
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "); // A zombie makes nothing any more.
  } catch {
    return false; // There is no such process.
  }
}

function removeNamespace(name: string): void {
  const pids = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" }).stdout ?? "";
  for (const pid of pids.split("\n").filter(Boolean)) endProcess(Number(pid));
  spawnSync("ip", ["netns", "del", name]);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself between the listing and now, which is what we want.
  }
}
