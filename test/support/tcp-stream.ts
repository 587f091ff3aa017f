import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Namespace } from "./netns.ts";
import { scriptCommand } from "./script.ts";
import { waitFor } from "./wait.ts";

/** One TCP connection of the kernel, whose goodput is known to the millisecond, as the receiving application sees it. */
export interface StreamOptions {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly serverAddress: string;
  /** Down: the server sends. */
  readonly direction: "down" | "up";
  readonly congestionControl: "cubic" | "bbr";
  /** Default: it goes on until it is stopped. */
  readonly bytes?: number;
  readonly port?: number;
}

export interface StreamRecord {
  /** When the receiving process started to connect or to listen, and when it had its connection (CLOCK_MONOTONIC). */
  readonly startedMs: number;
  readonly connectedMs: number;
  /** In the order of time. */
  readonly arrivals: readonly (readonly [atMs: number, bytes: number])[];
}

export interface RunningStream {
  /** Ends the connection. */
  stop(): Promise<StreamRecord>;
  /** Resolves when all bytes have come. */
  readonly ended: Promise<StreamRecord>;
}

export async function startStream(options: StreamOptions): Promise<RunningStream> {
  const { client, server, serverAddress, direction, congestionControl, bytes = 0, port = 5400 } = options;
  const isDown = direction === "down";
  await useCongestionControl(isDown ? server : client, congestionControl);
  const far = start(server, "listen", String(port), isDown ? "send" : "receive", String(bytes));
  await waitFor(() => far.output().startsWith("ready\n"), { what: "the TCP stream's server listens" });
  const near = start(client, "connect", serverAddress, String(port), isDown ? "receive" : "send", String(bytes));
  const receiver = isDown ? near : far;
  const ended = once(receiver.process, "close").then((): StreamRecord => {
    for (const each of [near, far]) each.process.stdin?.end();
    return JSON.parse(receiver.output().replace("ready\n", ""));
  });
  ended.catch(() => undefined); // Whoever wants the record gets the error.
  return {
    ended,
    stop() {
      receiver.process.stdin?.end();
      return ended;
    },
  };
}

/** Of connections over the default route that do not ask for another. A namespace's sysctl takes unrestricted ones alone. */
async function useCongestionControl(namespace: Namespace, name: string): Promise<void> {
  const routes: { gateway: string; dev: string }[] = JSON.parse(
    await namespace.exec(["ip", "-j", "route", "show", "default"]),
  );
  for (const { gateway, dev } of routes)
    await namespace.ip(`route change default via ${gateway} dev ${dev} congctl ${name}`);
}

interface Started {
  readonly process: ChildProcess;
  output(): string;
}

function start(namespace: Namespace, ...parameters: readonly string[]): Started {
  const started = namespace.spawn(scriptCommand("tcp-stream-main.ts", ...parameters), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  started.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  started.stdin?.on("error", () => undefined); // It has ended by itself.
  return { process: started, output: () => output };
}

/** Mean goodput of what came in [fromMs, toMs). */
export function streamKbps({ arrivals }: StreamRecord, { fromMs, toMs }: { fromMs: number; toMs: number }): number {
  const within = arrivals.filter(([atMs]) => atMs >= fromMs && atMs < toMs);
  return (within.reduce((sum, [, bytes]) => sum + bytes, 0) * 8) / (toMs - fromMs);
}

/**
 * How long after a moment a goodput is reached and held over a span.
 *
 * @param spanMs of the mean; the answer is when this span begins.
 * @returns null when it is not reached in a span that ends before toMs.
 */
export function reachedAfterMs(
  record: StreamRecord,
  wantedKbps: number,
  { fromMs, toMs, spanMs }: { fromMs: number; toMs: number; spanMs: number },
): number | null {
  const { arrivals } = record;
  let first = 0;
  let next = 0;
  let bytes = 0;
  for (let startMs = fromMs; startMs + spanMs <= toMs; startMs += STEP_MS) {
    for (; next < arrivals.length && (arrivals[next]?.[0] ?? 0) < startMs + spanMs; next++)
      bytes += arrivals[next]?.[1] ?? 0;
    for (; first < next && (arrivals[first]?.[0] ?? 0) < startMs; first++) bytes -= arrivals[first]?.[1] ?? 0;
    if ((bytes * 8) / spanMs >= wantedKbps) return startMs - fromMs;
  }
  return null;
}

const STEP_MS = 10;
