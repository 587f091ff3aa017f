/**
 * The two processes of tcp-stream.ts: `listen PORT send|receive BYTES` says "ready" and takes one connection,
 * `connect ADDRESS PORT send|receive BYTES` makes it. BYTES 0: until standard input ends. The one that receives prints a
 * StreamRecord at the end.
 */
import { connect, createServer, type Socket } from "node:net";
import { monotonicMs } from "./script.ts";

/** What comes within this time is one entry of the record. */
const ENTRY_MS = 2;
const CHUNK = Buffer.alloc(65_536);

const startedMs = monotonicMs();
let connectedMs = Number.NaN;
const arrivals: [atMs: number, bytes: number][] = [];

function record(bytes: number): void {
  const nowMs = monotonicMs();
  const last = arrivals.at(-1);
  if (last !== undefined && nowMs - last[0] < ENTRY_MS) last[1] += bytes;
  else arrivals.push([nowMs, bytes]);
}

function send(socket: Socket, bytes: number): void {
  let left = bytes === 0 ? Number.POSITIVE_INFINITY : bytes;
  const fill = () => {
    while (left > 0) {
      const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length));
      left -= chunk.length;
      if (!socket.write(chunk)) return;
    }
    socket.end();
  };
  socket.on("drain", fill);
  fill();
}

function receive(socket: Socket, bytes: number): void {
  let left = bytes === 0 ? Number.POSITIVE_INFINITY : bytes;
  socket.on("data", (chunk) => {
    record(chunk.length);
    left -= chunk.length;
    if (left <= 0) finish();
  });
}

function finish(): void {
  process.stdout.write(JSON.stringify({ startedMs, connectedMs, arrivals }), () => process.exit(0));
}

function use(socket: Socket, mode: string, bytes: number): void {
  connectedMs = monotonicMs();
  socket.setNoDelay(true);
  socket.on("error", () => undefined); // The other end was stopped first.
  if (mode === "send") send(socket, bytes);
  else receive(socket, bytes);
  process.stdin.on("end", mode === "send" ? () => process.exit(0) : finish).resume();
}

const [role, ...parameters] = process.argv.slice(2);
if (role === "listen") {
  const [port, mode = "", bytes] = parameters;
  const server = createServer((socket) => use(socket, mode, Number(bytes)));
  server.listen(Number(port), () => process.stdout.write("ready\n"));
  process.stdin.on("end", () => setTimeout(() => process.exit(0), 1000)).resume();
} else {
  const [address, port, mode = "", bytes] = parameters;
  const socket = connect(Number(port), address, () => use(socket, mode, Number(bytes)));
}
