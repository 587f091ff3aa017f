import { randomBytes } from "node:crypto";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Forwarder, type ForwarderCommand, type ForwarderEvent, POOL_BYTES } from "../pipeline/index.ts";
import type { ForwarderThreadData } from "./forwarder-thread.ts";
import { native, POLLERR, POLLIN } from "./native.ts";
import { NativePorts, STAT_NAMES } from "./native-ports.ts";
import { programVersion } from "./program-version.ts";

/**
 * The forwarder's thread: waits for descriptors and deadlines and runs the packet loop, nothing else. A thread in this
 * loop gets no events of its own; commands lie in the port's queue and a signal on an eventfd says that they are there.
 */
const MAX_SOCKETS = 128;
const FIRST_SOCKET = 3;
const STATS_INTERVAL_MS = 1_000;

/** @throws Error when this file is not run as a worker. */
function mainThread(): MessagePort {
  if (parentPort === null) throw new Error("forwarder-worker.ts runs in a worker thread");
  return parentPort;
}

const port = mainThread();

const data: ForwarderThreadData = workerData;
const addon = native();
const ports = new NativePorts(POOL_BYTES);
const needs = { wallNowMs: Date.now, token: () => randomBytes(4).readUInt32LE(), version: programVersion() };
const forwarder = new Forwarder(ports, { ...data.options, random: Math.random, needs }, (event) =>
  port.postMessage(event),
);
const stats = new Float64Array(STAT_NAMES.length);
let nextStatsMs = 0;
let offloadRefused = false;
const watched = new Int32Array((FIRST_SOCKET + MAX_SOCKETS) * 2);

/** @returns false when it is time to stop. */
function takeCommands(): boolean {
  for (;;) {
    const received: { message: ForwarderCommand } | undefined = receiveMessageOnPort(port);
    if (received === undefined) return true;
    if (received.message.type === "stop") return false;
    forwarder.onCommand(received.message, ports.nowMs());
  }
}

function isReadable(place: number): boolean {
  return (watched[place * 2 + 1] ?? 0) >> 16 !== 0;
}

/** Somebody has removed the TAP: there is nothing left to wait for. */
function isTapGone(): boolean {
  return (((watched[5] ?? 0) >> 16) & POLLERR) !== 0;
}

function wait(): void {
  watched[0] = data.wakeFd;
  watched[2] = data.netlinkFd;
  watched[4] = data.options.tap;
  const count = FIRST_SOCKET + Math.min(MAX_SOCKETS, forwarder.sockets.length);
  for (let i = FIRST_SOCKET; i < count; i++) watched[i * 2] = forwarder.sockets[i - FIRST_SOCKET] ?? -1;
  for (let i = 0; i < count; i++) watched[i * 2 + 1] = POLLIN;
  const waitMs = forwarder.tapHasMore ? 0 : forwarder.nextDeadlineMs - ports.nowMs();
  addon.poll(watched, count, waitMs === Number.POSITIVE_INFINITY ? -1 : Math.max(0, waitMs));
}

/** A device without checksum offload refuses batches only when the first one is sent; said once. */
function watchOffload(): void {
  if (offloadRefused || ports.nowMs() < nextStatsMs) return;
  nextStatsMs = ports.nowMs() + STATS_INTERVAL_MS;
  ports.stats(stats);
  offloadRefused = (stats[STAT_NAMES.indexOf("udpGsoRefused")] ?? 0) > 0;
  if (offloadRefused) port.postMessage({ type: "no-udp-gso" } satisfies ForwarderEvent);
}

function run(): void {
  for (let running = takeCommands(); running; ) {
    wait();
    if (isTapGone()) {
      port.postMessage({ type: "tap-gone" } satisfies ForwarderEvent);
      return;
    }
    if (isReadable(2) || forwarder.tapHasMore) forwarder.onTapReadable();
    // Commands may change the list; they are taken after it was gone through.
    for (let i = 0; i < forwarder.sockets.length && i < MAX_SOCKETS; i++) {
      if (isReadable(FIRST_SOCKET + i)) forwarder.onSocketReadable(forwarder.sockets[i] ?? -1);
    }
    forwarder.onTimer(ports.nowMs());
    watchOffload();
    if (isReadable(1)) {
      addon.netlinkDrain(data.netlinkFd);
      port.postMessage({ type: "network-changed" } satisfies ForwarderEvent);
    }
    if (isReadable(0)) {
      addon.eventfdDrain(data.wakeFd);
      running = takeCommands();
    }
  }
}

run();
port.close();
