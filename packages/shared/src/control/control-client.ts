import { request } from "node:http";
import { WebSocket } from "ws";
import * as z from "zod";
import { EX_NOPERM, EX_UNAVAILABLE, WanbondError } from "../errors.ts";
import { MeasureAnswer, type MeasureOptions } from "./measure-answer.ts";
import { StatusSnapshot } from "./status.ts";
import { WhyAnswer } from "./why-answer.ts";

/** Patience with a program that is busy or hangs. */
const ANSWER_TIMEOUT_MS = 5000;
/** Many uplinks are measured one after another. */
const MEASURE_TIMEOUT_MS = 300_000;

const Refusal = z.object({ code: z.string(), exitCode: z.number().int(), error: z.string() });

/** Asks once. @throws WanbondError when nobody answers on the socket, or in another version. */
export async function readStatus(socketPath: string): Promise<StatusSnapshot> {
  return checkSnapshot(socketPath, await get(socketPath, "/v1/status"));
}

/** The newest events, oldest of them first, each one JSON object. @throws WanbondError as readStatus */
export async function readEvents(socketPath: string, last: number): Promise<object[]> {
  const events = await get(socketPath, `/v1/events?last=${last}`);
  if (!Array.isArray(events)) throw otherVersion(socketPath);
  return events.filter((event) => typeof event === "object" && event !== null);
}

/** What is known about the members of this name: NAME or PEER/NAME. @throws WanbondError as readStatus */
export async function readWhy(socketPath: string, member: string): Promise<WhyAnswer> {
  const result = WhyAnswer.safeParse(await get(socketPath, `/v1/why?member=${encodeURIComponent(member)}`));
  if (!result.success) throw otherVersion(socketPath);
  return result.data;
}

/** Has a client measure its uplinks, for about a minute. @throws WanbondError as readStatus */
export async function readMeasurement(socketPath: string, options: MeasureOptions): Promise<MeasureAnswer> {
  const names = encodeURIComponent(options.uplinks.join(","));
  const path = `/v1/measure?uplinks=${names}&capacityBytes=${options.capacityBytes}`;
  const result = MeasureAnswer.safeParse(await get(socketPath, path, MEASURE_TIMEOUT_MS));
  if (!result.success) throw otherVersion(socketPath);
  return result.data;
}

/** Calls back with each snapshot of the stream until it ends or the signal aborts it. @throws WanbondError as readStatus */
export async function streamStatus(
  socketPath: string,
  onSnapshot: (snapshot: StatusSnapshot) => void,
  signal: AbortSignal,
): Promise<void> {
  const socket = new WebSocket(`ws+unix://${socketPath}:/v1/stream`, { perMessageDeflate: false });
  const abort = () => socket.terminate();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on("message", (data) => {
        try {
          onSnapshot(checkSnapshot(socketPath, JSON.parse(String(data))));
        } catch (error) {
          reject(error);
        }
      });
      socket.on("close", resolve);
      socket.on("error", (error) => (signal.aborted ? resolve() : reject(connectError(socketPath, error))));
    });
  } finally {
    signal.removeEventListener("abort", abort);
    socket.terminate();
  }
}

function get(socketPath: string, path: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<unknown> {
  return call(socketPath, "GET", path, "", timeoutMs);
}

/** @returns the answer's JSON, null when it is none. @throws WanbondError, that of the program when it refuses */
export function call(
  socketPath: string,
  method: string,
  path: string,
  body = "",
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => reject(connectError(socketPath, error)));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(jsonOrNull(text));
        else if (response.statusCode === 409) reject(refusal(socketPath, jsonOrNull(text)));
        else reject(noAnswer(socketPath, `it answered ${response.statusCode} ${text}`));
      });
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.on("error", (error) => reject(connectError(socketPath, error)));
    call.end(body);
  });
}

/** What the program says of its refusal, in its own words. */
function refusal(socketPath: string, answer: unknown): WanbondError {
  const result = Refusal.safeParse(answer);
  if (!result.success) return otherVersion(socketPath);
  return new WanbondError(result.data.code, result.data.exitCode, result.data.error);
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Not a wanbond of this version: no schema fits null.
  }
}

function checkSnapshot(socketPath: string, value: unknown): StatusSnapshot {
  const result = StatusSnapshot.safeParse(value);
  if (!result.success) throw otherVersion(socketPath);
  return result.data;
}

function connectError(socketPath: string, error: NodeJS.ErrnoException): WanbondError {
  if (error.code === "EACCES" || error.code === "EPERM") {
    const message = `${socketPath} may not be opened by this user. Run this command as the user that runs wanbond, or as root.`;
    return new WanbondError("WB_CONTROL_DENIED", EX_NOPERM, message);
  }
  const isGone = error.code === "ENOENT" || error.code === "ECONNREFUSED";
  return noAnswer(socketPath, isGone ? "no wanbond runs there" : error.message);
}

function noAnswer(socketPath: string, reason: string): WanbondError {
  const message = `Nothing answers on ${socketPath}: ${reason}. Start wanbond, or name its socket with --socket PATH.`;
  return new WanbondError("WB_NOT_RUNNING", EX_UNAVAILABLE, message);
}

export function otherVersion(socketPath: string): WanbondError {
  const message = `The program on ${socketPath} speaks another version. Use the wanbond command that it was started with.`;
  return new WanbondError("WB_CONTROL_VERSION", EX_UNAVAILABLE, message);
}
