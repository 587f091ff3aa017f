import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isRoot } from "./netns.ts";

/** Packages of Debian that it comes in. */
export const UML_PACKAGES = ["user-mode-linux", "kmod"];

/**
 * A second kernel as a process of this one: Debian's user-mode-linux, for tests of what this machine's kernel lacks
 * (netem, bonding, GRE). It boots on the host's own files within seconds, has one processor and no network.
 *
 * Source: Documentation/virt/uml/user_mode_linux_howto_v2.rst of the kernel. Its own tmpfs lies at /run, which is where
 * programs inside find TMPDIR, too; everything else they write is written on the host.
 */
const KERNEL = "/usr/bin/linux.uml";
const MODULES = "/usr/lib/uml/modules";
const TSX_CACHE = join(tmpdir(), "tsx-0");
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface UmlOptions {
  /** After this the kernel is ended. */
  readonly deadlineMs: number;
  /** Told each line that the command writes to standard error, and what the kernel says. */
  readonly onLine?: (line: string) => void;
  /** Default 1024. */
  readonly memoryMb?: number;
}

/** What keeps such a kernel from booting here, as a sentence; null when nothing does. */
export function umlObstacle(): string | null {
  if (!isRoot()) return "user-mode Linux boots on the host's files, which needs root";
  if (!isExecutable(KERNEL)) return `${KERNEL} is missing: apt-get install ${UML_PACKAGES.join(" ")}`;
  if (moduleVersions().length === 0) return `${MODULES} has no modules: apt-get install --reinstall user-mode-linux`;
  return null;
}

/**
 * Boots, runs one command in the project's folder, and halts.
 *
 * @returns what the command wrote to standard output.
 * @throws Error with what it wrote last, when it failed or the deadline passed.
 */
export async function runInUml(command: readonly string[], options: UmlOptions): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `wanbond-uml-${process.pid}-`));
  const said: string[] = [];
  const onLine = (line: string) => {
    said.push(line);
    options.onLine?.(line);
  };
  try {
    writeFileSync(join(folder, "init"), initScript(command, folder, options), { mode: 0o755 });
    await boot(folder, options, onLine);
    const status = textOf(join(folder, "status")).trim();
    if (status === "0") return textOf(join(folder, "output"));
    const reason = status === "" ? `not done within ${options.deadlineMs} ms` : `status ${status}`;
    throw new Error(`${command.join(" ")}, in user-mode Linux: ${reason}\n${said.slice(-40).join("\n")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function boot(folder: string, options: UmlOptions, onLine: (line: string) => void): Promise<void> {
  const { deadlineMs, memoryMb = 1024 } = options;
  const parameters = [
    `mem=${memoryMb}M`,
    `uml_dir=${folder}/`,
    "rootfstype=hostfs",
    "rootflags=/",
    "rw",
    `init=${folder}/init`,
    "con=null",
    "con0=fd:0,fd:1",
    "quiet",
    "panic=1",
  ];
  // On one processor it takes half the time, as every system call inside is a change of process outside. In a process
  // group of its own, because the kernel's processes are its children on this machine.
  const kernel = spawn("taskset", ["-c", "0", KERNEL, ...parameters], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const end = () => endGroup(kernel.pid);
  process.on("exit", end);
  const impatience = setTimeout(end, deadlineMs);
  for (const stream of [kernel.stdout, kernel.stderr]) createInterface(stream).on("line", onLine);
  await once(kernel, "close");
  clearTimeout(impatience);
  process.off("exit", end);
}

/** What runs as process 1. A module is loaded when the kernel asks for it, from the place where Debian keeps them. */
function initScript(command: readonly string[], folder: string, options: UmlOptions): string {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  return `#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/run/tmp
# Starting a program takes twenty times as long as outside.
export WANBOND_TEST_PATIENCE=6
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/tmp /run/modules/lib ${TSX_CACHE}
# What tsx has compiled outside need not be compiled here.
ln -s ${TSX_CACHE} /run/tmp/
ln -s ${MODULES} /run/modules/lib/modules
printf '#!/bin/sh\\nexec modprobe -d /run/modules "$@"\\n' > /run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
/run/modprobe -a ipv6 tun veth
ip link set lo up
cd '${ROOT}'
timeout ${Math.ceil(options.deadlineMs / 1000)} ${quoted} > ${folder}/output
echo $? > ${folder}/status
echo o > /proc/sysrq-trigger
sleep 60
`;
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has halted by itself.
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function moduleVersions(): string[] {
  try {
    return readdirSync(MODULES);
  } catch {
    return []; // The package is not installed.
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // Nothing got that far.
  }
}
