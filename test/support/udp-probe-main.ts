/**
 * The two processes of udp-probe.ts: `reflect PORT` says "ready" and answers every datagram; `send ADDRESS PORT LATE` waits
 * for a word on its standard input, sends one every 5 ms, says "answered" at the first answer, ends with its standard input
 * and prints the ProbeRecord LATE milliseconds later.
 *
 * Datagram: sequence u32 | sent f64 | answered f64 | zeros up to 100 bytes.
 */
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { monotonicMs } from "./script.ts";
import { PROBE_BYTES, PROBE_INTERVAL_MS, type ProbeArrival } from "./udp-probe.ts";

const SENT_AT = 4;
const REFLECTED_AT = 12;

function reflect(port: number): void {
  const socket = createSocket({ type: "udp6", ipv6Only: false });
  socket.on("message", (message, source) => {
    if (message.length !== PROBE_BYTES) return;
    message.writeDoubleLE(monotonicMs(), REFLECTED_AT);
    socket.send(message, source.port, source.address);
  });
  socket.on("error", () => undefined); // An answer that cannot be sent is a lost one.
  socket.bind(port, () => process.stdout.write("ready\n"));
  process.stdin.on("end", () => process.exit(0)).resume();
}

function send(address: string, port: number, lateMs: number): void {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  const sentMs: number[] = [];
  const arrivals: ProbeArrival[] = [];
  const startMs = monotonicMs();
  socket.on("error", () => undefined); // Unreachable for a moment: the datagram counts as lost.
  socket.on("message", (message) => {
    const arrivedMs = monotonicMs();
    if (arrivals.length === 0) process.stdout.write("answered\n");
    const reflectedMs = message.readDoubleLE(REFLECTED_AT);
    arrivals.push({ sequence: message.readUInt32LE(0), sentMs: message.readDoubleLE(SENT_AT), reflectedMs, arrivedMs });
  });
  const timer = setInterval(() => {
    const nowMs = monotonicMs();
    // A timer that fired late catches up, so that the rate is exact.
    while (startMs + sentMs.length * PROBE_INTERVAL_MS <= nowMs) {
      const message = Buffer.alloc(PROBE_BYTES);
      message.writeUInt32LE(sentMs.length, 0);
      message.writeDoubleLE(nowMs, SENT_AT);
      sentMs.push(nowMs);
      socket.send(message, port, address, () => undefined);
    }
  }, 1);
  const finish = () => {
    clearInterval(timer);
    setTimeout(() => process.stdout.write(JSON.stringify({ sentMs, arrivals }), () => process.exit(0)), lateMs);
  };
  process.stdin.on("end", finish).resume();
}

const [mode, ...parameters] = process.argv.slice(2);
if (mode === "reflect") reflect(Number(parameters[0]));
else process.stdin.once("data", () => send(parameters[0] ?? "", Number(parameters[1]), Number(parameters[2])));
