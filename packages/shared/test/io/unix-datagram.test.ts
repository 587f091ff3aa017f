import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { native } from "../../src/io/index.ts";

const RECEIVER = `
import socket, sys
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\\0" + name[1:] if name[0] == "@" else name)
print("listening", flush=True)
print(receiver.recv(65536).hex(), flush=True)
`;

describe("unixSend", () => {
  const folder = mkdtempSync(join(tmpdir(), "wanbond-unix-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The first datagram that a process listening on this name hears; resolves once it listens. */
  async function listen(name: string): Promise<{ heard: Promise<string> }> {
    const child = spawn("python3", ["-c", RECEIVER, name], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill());
    const lines = createInterface(child.stdout);
    await once(lines, "line");
    return { heard: once(lines, "line").then(([line]) => Buffer.from(String(line), "hex").toString()) };
  }

  it.each([
    ["in the file system", join(folder, "socket")],
    ["with an abstract name", `@wanbond-test-${process.pid}`],
  ])("reaches a socket %s", async (_where, name) => {
    const { heard } = await listen(name);
    const message = "READY=1\nSTATUS=in order";
    expect(native().unixSend(name, Buffer.from(message))).toBe(message.length);
    expect(await heard).toBe(message);
  });

  it.each([
    ["nobody listens", join(folder, "nobody"), -constants.errno.ENOENT],
    ["the name is empty", "", -constants.errno.ENAMETOOLONG],
    ["the name is too long for a socket", `/${"x".repeat(108)}`, -constants.errno.ENAMETOOLONG],
  ])("says so when %s", (_what, name, answer) => {
    expect(native().unixSend(name, Buffer.from("x"))).toBe(answer);
  });
});
