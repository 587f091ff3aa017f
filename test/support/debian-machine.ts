import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { type DebianBase, type DebianRoot, debianRoot } from "./debian-root.ts";
import { type ExecOptions, execute, type Namespace } from "./netns.ts";
import { monotonicMs } from "./script.ts";
import { waitFor } from "./wait.ts";

/** Hierarchies in which a container manager makes groups; which of them there are depends on the host. */
const CGROUPS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup"];

/** Before the namespace's name, which carries the PID of its maker. */
const GROUP_PREFIX = "wanbond-";

export interface MachineOptions {
  /** Folders of this host by their place in the machine, read only. */
  readonly folders?: Readonly<Record<string, string>>;
}

/**
 * A Debian that was started as on hardware, with systemd for its first process, in a network namespace of a test's
 * topology. systemd-nspawn makes it from the cached base; all its changes are thrown away at the end.
 */
export class DebianMachine {
  readonly root: DebianRoot;
  readonly #namespace: Namespace;
  readonly #container: ChildProcess;
  readonly #group: string;
  readonly #atExit = () => {
    this.#kill();
    this.root.remove();
  };
  #leader = 0;

  private constructor(root: DebianRoot, namespace: Namespace, container: ChildProcess, group: string) {
    this.root = root;
    this.#namespace = namespace;
    this.#container = container;
    this.#group = group;
  }

  /** Starts one and waits until its services are up. */
  static async boot(base: DebianBase, namespace: Namespace, options: MachineOptions = {}): Promise<DebianMachine> {
    sweepGroups();
    const root = await debianRoot(base);
    const group = `${GROUP_PREFIX}${namespace.name}`;
    const container = spawn(
      "sh",
      ["-c", `${joinGroup(group)} exec "$@"`, "sh", ...nspawn(root, namespace, base, options)],
      {
        // All of /proc/sys/net is a router's to set; the host may have no cgroup v2 but the empty one.
        env: { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: "yes", SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    const machine = new DebianMachine(root, namespace, container, group);
    process.once("exit", machine.#atExit);
    await machine.#waitUntilUp();
    return machine;
  }

  /** Runs a line of shell in the machine, as typed by root. @returns standard output. */
  exec(line: string, options: ExecOptions = {}): Promise<string> {
    const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const environment = ["env", "-i", path, "HOME=/root", "TERM=dumb", "LANG=C.UTF-8"];
    const inside = ["nsenter", "--target", String(this.#leader), "--all"];
    return execute([...inside, ...environment, "sh", "-c", `cd /root; ${line}`], { deadlineMs: 120_000, ...options });
  }

  /** Whether a unit is in this state, such as "active" or "failed". */
  async unitIs(unit: string, state: string): Promise<boolean> {
    return (await this.exec(`systemctl is-active ${unit} || true`)).trim() === state;
  }

  /** What the unit has written since it was first started. */
  journal(unit: string): Promise<string> {
    return this.exec(`journalctl --no-pager -q -o cat -u ${unit}`);
  }

  /** Main process of a unit as this host numbers it. */
  async hostPidOf(unit: string): Promise<number> {
    const inside = (await this.exec(`systemctl show -p MainPID --value ${unit}`)).trim();
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const numbers = /^NSpid:\s*(.*)$/m.exec(statusOf(pid))?.[1]?.split("\t") ?? [];
      if (numbers.length > 1 && numbers.at(-1) === inside && this.#holds(pid)) return Number(pid);
    }
    throw new Error(`${unit} has no process`);
  }

  async stop(): Promise<void> {
    this.#kill();
    await waitFor(() => this.#container.exitCode !== null || this.#container.signalCode !== null, {
      what: `the machine in ${this.#namespace.name} is off`,
    });
    process.off("exit", this.#atExit);
    this.root.remove();
    removeGroup(this.#group);
  }

  async #waitUntilUp(): Promise<void> {
    let said = "";
    this.#container.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const startMs = monotonicMs();
    const isUp = async () => {
      if (this.#container.exitCode !== null) throw new Error(`systemd-nspawn ended: ${said}`);
      this.#leader = firstProcess(this.#container.pid ?? 0);
      if (this.#leader === 0) return false;
      const answer = await this.exec("systemctl is-system-running || true").catch(() => "not yet");
      return /running|degraded/.test(answer);
    };
    await waitFor(isUp, { what: `${this.#namespace.name} is up`, deadlineMs: 60_000, intervalMs: 200 });
    console.log(`${this.#namespace.name}: Debian is up after ${Math.round(monotonicMs() - startMs)} ms`);
  }

  #holds(pid: string): boolean {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`/${this.#group}/`);
  }

  #kill(): void {
    if (this.#leader === 0 || this.#container.exitCode !== null) return;
    try {
      process.kill(this.#leader, "SIGKILL"); // the first process of a PID namespace takes all others with it
    } catch {
      // It has ended by itself.
    }
  }
}

function nspawn(root: DebianRoot, namespace: Namespace, base: DebianBase, options: MachineOptions): string[] {
  const folders = Object.entries({ "/mirror": base.mirror, ...options.folders });
  return [
    "systemd-nspawn",
    ...["--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"],
    ...[`--directory=${root.folder}`, `--machine=${namespace.name}`],
    `--network-namespace-path=/run/netns/${namespace.name}`,
    "--capability=CAP_NET_ADMIN,CAP_NET_RAW",
    "--bind=/dev/net/tun",
    ...folders.map(([inside, here]) => `--bind-ro=${here}:${inside}`),
    "systemd.unit=multi-user.target",
  ];
}

/** Each machine in groups of its own, or two would be in each other's way. */
function joinGroup(name: string): string {
  return hierarchies()
    .map((folder) => `mkdir -p ${folder}/${name}; echo $$ >${folder}/${name}/cgroup.procs;`)
    .join(" ");
}

function hierarchies(): string[] {
  return CGROUPS.filter((folder) => existsSync(join(folder, "cgroup.procs")));
}

/** Removes those of makers that no longer run. */
function sweepGroups(): void {
  for (const name of hierarchies().flatMap((folder) => readdirSync(folder))) {
    const pid = new RegExp(`^${GROUP_PREFIX}wb(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeGroup(name);
  }
}

/** Only empty groups can be removed, the innermost first. */
function removeGroup(name: string): void {
  for (const folder of hierarchies()) removeFolders(join(folder, name));
}

function removeFolders(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeFolders(join(folder, entry.name));
  }
  try {
    rmdirSync(folder);
  } catch {
    // Something is still ending in it; an empty group does no harm.
  }
}

/** The systemd below a systemd-nspawn; 0 while there is none. */
function firstProcess(container: number): number {
  try {
    const children = readFileSync(`/proc/${container}/task/${container}/children`, "utf8").trim().split(" ");
    return Number(
      children.find((pid) => /^Name:\tsystemd\n/.test(statusOf(pid)) && /^NSpid:.*\t1$/m.test(statusOf(pid))) ?? 0,
    );
  } catch {
    return 0; // not started yet, or ended
  }
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}
