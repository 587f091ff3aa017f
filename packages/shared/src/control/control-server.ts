import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import { EX_CANTCREAT, EX_TEMPFAIL, WanbondError } from "../errors.ts";
import { type EventRing, MAX_EVENTS } from "./event-ring.ts";
import { explainMembers } from "./explain-members.ts";
import { MAX_CAPACITY_BYTES, type MeasureOptions } from "./measure-answer.ts";
import { pairingQuestion } from "./pairing-routes.ts";
import type { StatusSource } from "./status-source.ts";

/** A reader of the stream with more than this waiting is skipped until it has caught up. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/** Readers of the stream at one time. */
const MAX_STREAMS = 32;

export interface ControlServerOptions {
  readonly socketPath: string;
  readonly source: StatusSource;
  readonly events: EventRing;
  /** Between two snapshots of the stream; 1000 when it is missing. */
  readonly intervalMs?: number;
}

export interface ControlServer {
  /** Ends every stream and removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves GET /v1/status, GET /v1/events?last=N, GET /v1/why?member=NAME, GET /v1/measure (JSON) and the WebSocket /v1/stream (a snapshot at
 * once and then every intervalMs), and at a concentrator what pairing-routes.ts lists, on a unix socket that only its owner
 * may open.
 *
 * @throws WanbondError when another program answers on the socket, or it cannot be made.
 */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const server = createServer((request, response) => void answer(request, response, options));
  const stream = new StatusStream(options);
  server.on("upgrade", (request, socket, head) => stream.upgrade(request, socket, head));
  await listen(server, options.socketPath);
  return {
    close: () =>
      new Promise((resolve) => {
        stream.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ControlServerOptions,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const pairing = pairingQuestion(request, url, options.source.pairing);
  if (pairing === null && request.method !== "GET") return reply(response, 405, { error: "only GET is served" });
  if (url.pathname === "/v1/events") {
    const last = Number(url.searchParams.get("last") ?? MAX_EVENTS);
    const lines = options.events.last(Number.isInteger(last) && last > 0 ? last : MAX_EVENTS);
    return reply(response, 200, `[${lines.join(",")}]`);
  }
  const ask = pairing ?? questionOf(url, options);
  if (ask === null) return reply(response, 404, { error: `${url.pathname} is not served` });
  try {
    reply(response, 200, await ask());
  } catch (error) {
    if (error instanceof WanbondError) {
      const { code, exitCode, message } = error;
      return reply(response, 409, { code, exitCode, error: message });
    }
    // The program is up but its forwarder does not answer: the reader is told, the program goes on.
    reply(response, 503, { error: error instanceof Error ? error.message : String(error) });
  }
}

/** What has to be asked of the program; null: there is no such question. */
function questionOf(url: URL, { source, events }: ControlServerOptions): (() => Promise<object> | object) | null {
  const member = url.searchParams.get("member");
  if (url.pathname === "/v1/status") return () => source.read();
  if (url.pathname === "/v1/measure" && source.measure !== undefined) {
    const options = measureOptions(url.searchParams);
    return () => source.measure?.(options) ?? {};
  }
  if (url.pathname === "/v1/why" && member !== null) return () => explainMembers(source, member, events.last());
  return null;
}

/** Uplinks by name, separated by commas, and bytes for capacity; all of them and none where that is not said. */
function measureOptions(parameters: URLSearchParams): MeasureOptions {
  const names = parameters.get("uplinks") ?? "";
  const bytes = Number(parameters.get("capacityBytes") ?? 0);
  const uplinks = names === "" ? [] : names.split(",");
  return { uplinks, capacityBytes: Number.isFinite(bytes) ? Math.min(MAX_CAPACITY_BYTES, Math.max(0, bytes)) : 0 };
}

function reply(response: ServerResponse, status: number, body: object | string): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** The readers of /v1/stream and the timer that serves them; without readers there is no timer. */
class StatusStream {
  readonly #options: ControlServerOptions;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  constructor(options: ControlServerOptions) {
    this.#options = options;
  }

  upgrade(request: IncomingMessage, socket: Parameters<WebSocketServer["handleUpgrade"]>[1], head: Buffer): void {
    socket.on("error", () => socket.destroy()); // A reader may go away in the middle of the handshake.
    if (request.url !== "/v1/stream" || this.#sockets.clients.size >= MAX_STREAMS) {
      socket.end(`HTTP/1.1 ${request.url === "/v1/stream" ? 503 : 404} refused\r\nconnection: close\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (reader) => this.#join(reader));
  }

  close(): void {
    clearInterval(this.#timer);
    for (const reader of this.#sockets.clients) reader.terminate();
    this.#sockets.close();
  }

  #join(reader: WebSocket): void {
    reader.on("error", () => reader.terminate()); // A reader that breaks the protocol is none any more.
    reader.on("close", () => {
      if (this.#sockets.clients.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    this.#timer ??= setInterval(() => void this.#send([...this.#sockets.clients]), this.#options.intervalMs ?? 1000);
    void this.#send([reader]);
  }

  /** A snapshot that takes longer than the interval is not asked for twice. */
  async #send(readers: readonly WebSocket[]): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const text = JSON.stringify(await this.#options.source.read());
      for (const reader of readers) if (isReady(reader)) reader.send(text);
    } catch {
      // As for /v1/status: no snapshot this time, the next one may come.
    } finally {
      this.#isReading = false;
    }
  }
}

function isReady(reader: WebSocket): boolean {
  return reader.readyState === reader.OPEN && reader.bufferedAmount <= MAX_BUFFERED_BYTES;
}

async function listen(server: Server, socketPath: string): Promise<void> {
  try {
    mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
    await removeStale(socketPath);
    await bind(server, socketPath);
  } catch (error) {
    if (error instanceof WanbondError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = "Run as root, or set controlSocket to a path in a folder that this user may write to.";
    throw new WanbondError(
      "WB_CONTROL_SOCKET",
      EX_CANTCREAT,
      `The control socket could not be made: ${reason}. ${remedy}`,
    );
  }
}

/** The socket is made under a umask, so that there is no moment in which others could open it. */
function bind(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const umask = process.umask(0o177);
    try {
      server.listen(socketPath, resolve);
    } finally {
      process.umask(umask);
    }
  });
}

/** Removes a socket that a killed program left behind. Never a file, never a socket on which somebody answers. */
async function removeStale(socketPath: string): Promise<void> {
  const stat = lstatSync(socketPath, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error(`${socketPath} exists and is not a socket`);
  if (await isAnswered(socketPath)) {
    const remedy = "Stop it first, or give this one another controlSocket (and tap).";
    throw new WanbondError("WB_SOCKET_TAKEN", EX_TEMPFAIL, `Another wanbond answers on ${socketPath}. ${remedy}`);
  }
  rmSync(socketPath, { force: true });
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(socketPath);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else reject(error);
    });
  });
}
