import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { waitFor } from "../support/wait.ts";

/** USER_HZ: the unit of times in /proc, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Places of utime and stime behind the closing bracket of the command (proc(5)). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** Processor time of all threads of these processes so far, in user space and in the kernel on their behalf. */
export function processorSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processorTicks(pid), 0) / TICKS_PER_SECOND;
}

function processorTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

const IDLE = "process.stdout.write('ready'); setInterval(() => {}, 1e6)";
const IDLE_THREAD = `new (require("node:worker_threads").Worker)("setInterval(() => {}, 1e6)", { eval: true })
  .on("online", () => process.stdout.write("ready"))`;

/** What Node takes by itself: without anything, and with a second thread that does nothing either. */
export async function bareNodeBytes(): Promise<{ alone: number; withThread: number }> {
  return { alone: await residentAfterStart(IDLE), withThread: await residentAfterStart(IDLE_THREAD) };
}

async function residentAfterStart(script: string): Promise<number> {
  const node = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let output = "";
    node.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    await waitFor(() => output === "ready", { what: "node has started" });
    return residentBytes(node.pid ?? 0);
  } finally {
    node.kill("SIGKILL");
  }
}
