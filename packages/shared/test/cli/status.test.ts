import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { EventRing, type StatusSnapshot, startControlServer } from "../../src/control/index.ts";
import { SNAPSHOT, sourceOf, temporarySocket } from "../control/support.ts";
import { recordingShell } from "./support.ts";

async function serve(socketPath: string, snapshot: StatusSnapshot = SNAPSHOT) {
  const events = new EventRing();
  events.push('{"level":"info","time":"2026-01-02T03:04:05.678Z","event":"member-up","message":"answered"}\n');
  const server = await startControlServer({ socketPath, source: sourceOf(() => snapshot), events, intervalMs: 5 });
  onTestFinished(() => server.close());
  return server;
}

describe("status", () => {
  it("shows the program of a given socket", async () => {
    const socket = temporarySocket();
    await serve(socket);
    const shell = recordingShell();
    expect(await runCli(["status", "--socket", socket], shell)).toBe(0);
    expect(shell.written.out).toContain("client pid 4711");
    expect(shell.written.out).toContain("starlink");
  });

  it("shows every program that answers in the state directory", async () => {
    const socket = temporarySocket();
    const folder = dirname(socket);
    const shell = recordingShell({ stateDirectory: () => folder });
    await serve(join(folder, "concentrator.sock"), { ...SNAPSHOT, role: "concentrator" });
    expect(await runCli(["status", "--json"], shell)).toBe(0);
    expect(JSON.parse(shell.written.out)).toEqual({ ...SNAPSHOT, role: "concentrator" });

    await serve(join(folder, "client.sock"));
    const both = recordingShell({ stateDirectory: () => folder });
    await runCli(["status", "--json"], both);
    const roles = both.written.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).role);
    expect(roles).toEqual(["client", "concentrator"]);
  });

  it("ends with 69 when nothing runs", async () => {
    const shell = recordingShell();
    expect(await runCli(["status"], shell)).toBe(69);
    expect(shell.written.error).toContain("/nowhere/client.sock or /nowhere/concentrator.sock");
  });

  it("watches until it is stopped, over a restart of the program", async () => {
    const socket = temporarySocket();
    const server = await serve(socket);
    const stop = new AbortController();
    const shell = recordingShell({ signal: stop.signal });
    const watching = runCli(["status", "--watch", "--socket", socket], shell);
    const tables = () => shell.written.out.split("client pid").length - 1;
    await vi.waitUntil(() => tables() >= 2);
    await server.close();
    await vi.waitUntil(() => shell.written.out.includes("the program has ended"));
    const before = tables();
    await serve(socket);
    await vi.waitUntil(() => tables() > before, { timeout: 5000 });
    stop.abort();
    expect(await watching).toBe(0);
  });

  it.each([
    ["a terminal's screen is cleared before each table", [], "\x1b[2J"],
    ["JSON comes line by line", ["--json"], "}\n"],
  ])("while watching, %s", async (_what, args, mark) => {
    const socket = temporarySocket();
    await serve(socket);
    const stop = new AbortController();
    const shell = recordingShell({ signal: stop.signal, isTerminal: true });
    const watching = runCli(["status", "--watch", ...args, "--socket", socket], shell);
    await vi.waitUntil(() => shell.written.out.split(mark).length > 3);
    stop.abort();
    expect(await watching).toBe(0);
  });
});

describe("events", () => {
  it("are shown for people, or as they are", async () => {
    const socket = temporarySocket();
    await serve(socket);
    const shell = recordingShell();
    await runCli(["events", "--socket", socket], shell);
    expect(shell.written.out).toBe("03:04:05.678 INFO  member-up: answered\n");
    const json = recordingShell();
    await runCli(["events", "--json", "--last", "1", "--socket", socket], json);
    expect(JSON.parse(json.written.out)).toMatchObject({ event: "member-up" });
  });
});
