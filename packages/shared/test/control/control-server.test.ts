import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import {
  type ControlServer,
  EventRing,
  type MeasureAnswer,
  type MeasureOptions,
  type MemberHistory,
  readEvents,
  readMeasurement,
  readStatus,
  readWhy,
  type StatusSource,
  startControlServer,
  streamStatus,
} from "../../src/control/index.ts";
import { aggregateSnapshot, SECOND, SNAPSHOT, sourceOf, temporarySocket } from "./support.ts";

async function served(
  socketPath: string,
  source: StatusSource = sourceOf(() => SNAPSHOT),
  intervalMs = 5,
): Promise<ControlServer> {
  const events = new EventRing();
  events.push('{"event":"one"}\n');
  events.push('{"event":"two"}\n');
  const server = await startControlServer({ socketPath, source, events, intervalMs });
  onTestFinished(() => server.close());
  return server;
}

describe("the control socket", () => {
  it("answers with the snapshot, and only its owner may open it", async () => {
    const socketPath = temporarySocket();
    await served(socketPath);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(await readStatus(socketPath)).toEqual(SNAPSHOT);
  });

  it("is gone after a close", async () => {
    const socketPath = temporarySocket();
    const server = await startControlServer({ socketPath, source: sourceOf(() => SNAPSHOT), events: new EventRing() });
    await server.close();
    expect(existsSync(socketPath)).toBe(false);
    await expect(readStatus(socketPath)).rejects.toMatchObject({ code: "WB_NOT_RUNNING", exitCode: 69 });
  });

  it("gives the newest events", async () => {
    const socketPath = temporarySocket();
    await served(socketPath);
    expect(await readEvents(socketPath, 1000)).toEqual([{ event: "one" }, { event: "two" }]);
    expect(await readEvents(socketPath, 1)).toEqual([{ event: "two" }]);
  });

  it("has a client measure its uplinks, those that are named and within the bytes that are allowed", async () => {
    const socketPath = temporarySocket();
    const asked: unknown[] = [];
    const measure = async (options: MeasureOptions): Promise<MeasureAnswer> => {
      asked.push(options);
      return { version: 1, session: true, lines: [] };
    };
    await served(socketPath, { ...sourceOf(() => SNAPSHOT), measure });
    const answer = await readMeasurement(socketPath, { uplinks: ["isp1", "lte"], capacityBytes: 500_000 });
    expect(answer).toEqual({ version: 1, session: true, lines: [] });
    await readMeasurement(socketPath, { uplinks: [], capacityBytes: 1e12 });
    expect(asked).toEqual([
      { uplinks: ["isp1", "lte"], capacityBytes: 500_000 },
      { uplinks: [], capacityBytes: 200_000_000 },
    ]);
  });

  it("says so when the program measures nothing: a concentrator, or one of an earlier version", async () => {
    const socketPath = temporarySocket();
    await served(socketPath);
    const asked = readMeasurement(socketPath, { uplinks: [], capacityBytes: 0 });
    await expect(asked).rejects.toThrow("it answered 404");
  });

  it("explains a member by what the program remembers and what the log says", async () => {
    const socketPath = temporarySocket();
    const time = "2026-01-02T03:04:05.678Z";
    const history = { seconds: [{ ...SECOND, time }], events: [{ time, event: "feedback-back" }] };
    await served(socketPath, { ...sourceOf(aggregateSnapshot), history: async (_peer, path) => at(path, history) });
    const { members, known } = await readWhy(socketPath, "lte");
    expect(members).toEqual([
      {
        peer: "concentrator",
        policy: "aggregate",
        status: aggregateSnapshot().bonds[0]?.members[1],
        ...at(1, history),
      },
    ]);
    expect(known).toHaveLength(3);
    expect(await readWhy(socketPath, "a member&last=1")).toMatchObject({ members: [] });
    expect(await statusOf(socketPath, "GET", "/v1/why")).toBe(404);
  });

  it("refuses other methods and paths", async () => {
    const socketPath = temporarySocket();
    await served(socketPath);
    expect(await statusOf(socketPath, "POST", "/v1/status")).toBe(405);
    expect(await statusOf(socketPath, "GET", "/")).toBe(404);
  });

  it("tells the reader when the program cannot say how it is, and goes on", async () => {
    const socketPath = temporarySocket();
    const read = vi.fn<() => Promise<typeof SNAPSHOT>>();
    read.mockRejectedValueOnce(new Error("the forwarder does not answer")).mockResolvedValue(SNAPSHOT);
    await served(socketPath, sourceOf(read));
    await expect(readStatus(socketPath)).rejects.toThrow("the forwarder does not answer");
    expect(await readStatus(socketPath)).toEqual(SNAPSHOT);
  });

  it("takes the place of a socket that a killed program left behind", async () => {
    const socketPath = temporarySocket();
    await leaveStaleSocket(socketPath);
    await served(socketPath);
    expect(await readStatus(socketPath)).toEqual(SNAPSHOT);
  });

  it("does not take the place of a program that answers, nor of a file", async () => {
    const socketPath = temporarySocket();
    await served(socketPath);
    await expect(served(socketPath)).rejects.toMatchObject({ code: "WB_SOCKET_TAKEN", exitCode: 75 });
    expect(await readStatus(socketPath)).toEqual(SNAPSHOT);

    const file = temporarySocket();
    writeFileSync(file, "precious");
    await expect(served(file)).rejects.toMatchObject({ code: "WB_CONTROL_SOCKET", exitCode: 73 });
    expect(existsSync(file)).toBe(true);
  });

  it("says so when the program speaks another version", async () => {
    const socketPath = temporarySocket();
    const other = sourceOf(() => JSON.parse(JSON.stringify({ ...SNAPSHOT, version: 2 })));
    await served(socketPath, other);
    await expect(readStatus(socketPath)).rejects.toMatchObject({ code: "WB_CONTROL_VERSION" });
  });
});

describe("the status stream", () => {
  it("sends a snapshot at once and then again and again until the reader goes", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const socketPath = temporarySocket();
    await served(socketPath, undefined, 1000);
    const stop = new AbortController();
    let received = 0;
    const onSnapshot = () => {
      if (++received === 3) stop.abort();
      else vi.advanceTimersByTime(1000);
    };
    await streamStatus(socketPath, onSnapshot, stop.signal);
    expect(received).toBe(3);
    await vi.waitUntil(() => vi.getTimerCount() === 0); // No reader, no timer.
  });

  it("ends when the program stops", async () => {
    const socketPath = temporarySocket();
    const server = await served(socketPath);
    let first = true;
    const streamed = streamStatus(
      socketPath,
      () => {
        if (first) void server.close();
        first = false;
      },
      new AbortController().signal,
    );
    await streamed;
    expect(first).toBe(false);
  });

  it("skips a reader that does not read, and serves the others", async () => {
    const socketPath = temporarySocket();
    const [bond] = SNAPSHOT.bonds;
    if (bond === undefined) throw new Error("fixture");
    const large = { ...SNAPSHOT, bonds: Array.from({ length: 200 }, () => bond) };
    const read = vi.fn(() => large);
    await served(socketPath, sourceOf(read), 1);
    const slow = new WebSocket(`ws+unix://${socketPath}:/v1/stream`);
    await once(slow, "open");
    slow.pause();
    const stop = new AbortController();
    let received = 0;
    await streamStatus(socketPath, () => ++received === 60 && stop.abort(), stop.signal);
    expect(received).toBeGreaterThanOrEqual(60);

    let caughtUp = 0;
    slow.on("message", () => caughtUp++);
    const sent = read.mock.calls.length;
    slow.resume();
    await vi.waitUntil(() => caughtUp > 0);
    expect(caughtUp).toBeLessThan(sent / 2);
    slow.terminate();
  });

  it("serves nothing but the stream as a WebSocket", async () => {
    const socketPath = temporarySocket();
    await served(socketPath);
    const socket = new WebSocket(`ws+unix://${socketPath}:/v1/other`);
    const [error] = await once(socket, "error");
    expect(String(error)).toContain("404");
  });

  it("survives a reader that speaks no WebSocket", async () => {
    const socketPath = temporarySocket();
    await served(socketPath);
    const socket = connect(socketPath);
    socket.end("GET /v1/stream HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nrubbish");
    socket.resume();
    await once(socket, "close");
    expect(await readStatus(socketPath)).toEqual(SNAPSHOT);
  });
});

/** A history that tells for which path it was asked. */
function at(path: number, { seconds, events }: MemberHistory): MemberHistory {
  return { seconds: seconds.map((second) => ({ ...second, heldBack: path })), events };
}

function statusOf(socketPath: string, method: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.end();
  });
}

/** A socket in the file system on which nobody listens, as after kill -9. */
async function leaveStaleSocket(socketPath: string): Promise<void> {
  const server = createServer().listen(`${socketPath}.first`);
  await once(server, "listening");
  const { renameSync } = await import("node:fs");
  renameSync(`${socketPath}.first`, socketPath);
  server.close();
  await once(server, "close");
  if (!existsSync(socketPath)) throw new Error("the stale socket was not left behind");
}
