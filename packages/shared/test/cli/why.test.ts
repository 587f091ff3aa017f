import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { EventRing, type MemberHistory, type StatusSnapshot, startControlServer } from "../../src/control/index.ts";
import { aggregateSnapshot, SECOND, SNAPSHOT, sourceOf, temporarySocket } from "../control/support.ts";
import { recordingShell } from "./support.ts";

const MINUTE_MS = 60_000;

function ago(minutes: number): string {
  return new Date(Date.now() - minutes * MINUTE_MS).toISOString();
}

/** Traffic and an event half a minute, two and ten minutes ago. */
function threeTimes(): MemberHistory {
  const times = [ago(10), ago(2), ago(0.5)];
  return {
    seconds: times.map((time) => ({ ...SECOND, time })),
    events: times.map((time) => ({ time, event: "feedback-back" })),
  };
}

async function serve(socketPath: string, snapshot: StatusSnapshot, history?: MemberHistory): Promise<void> {
  const source = sourceOf(() => snapshot, history);
  const server = await startControlServer({ socketPath, source, events: new EventRing() });
  onTestFinished(() => server.close());
}

describe("why", () => {
  it.each([
    [[], 2],
    [["--last", "1"], 1],
    [["--last", "60"], 3],
  ])("tells what happened in the last minutes (%j)", async (args, count) => {
    const socket = temporarySocket();
    await serve(socket, aggregateSnapshot(), threeTimes());
    const shell = recordingShell();
    expect(await runCli(["why", "isp1", "--socket", socket, ...args], shell)).toBe(0);
    expect(shell.written.out).toContain("isp1 to concentrator, aggregate");
    expect(shell.written.out.split("carried 1500 frames")).toHaveLength(count + 1);
    expect(shell.written.out.split("tells what arrives again")).toHaveLength(count + 1);
  });

  it("gives scripts one object in a line", async () => {
    const socket = temporarySocket();
    await serve(socket, aggregateSnapshot(), threeTimes());
    const shell = recordingShell();
    expect(await runCli(["why", "concentrator/isp1", "--json", "--last", "1", "--socket", socket], shell)).toBe(0);
    const answer = JSON.parse(shell.written.out);
    expect(answer).toMatchObject({
      version: 1,
      role: "client",
      members: [{ peer: "concentrator", policy: "aggregate" }],
    });
    expect(answer.members[0].seconds).toHaveLength(1);
    expect(answer.members[0].seconds[0]).toMatchObject(SECOND);
    expect(answer.members[0].events).toHaveLength(1);
  });

  it("ends with 65 and the names there are when no member is called so", async () => {
    const socket = temporarySocket();
    await serve(socket, SNAPSHOT);
    const shell = recordingShell();
    expect(await runCli(["why", "isp9", "--socket", socket], shell)).toBe(65);
    expect(shell.written.out).toBe("");
    expect(shell.written.error).toBe(
      "No member is called isp9. There are: concentrator/isp1, concentrator/lte, concentrator/starlink.\n",
    );
    const none = recordingShell();
    await serve(`${socket}2`, { ...SNAPSHOT, bonds: [] });
    expect(await runCli(["why", "isp9", "--socket", `${socket}2`], none)).toBe(65);
    expect(none.written.error).toContain("There are none yet.");
  });

  it("asks both programs, and tells of the one that knows the member", async () => {
    const folder = dirname(temporarySocket());
    const home = aggregateSnapshot().bonds.map((bond) => ({ ...bond, peer: "home1" }));
    await serve(join(folder, "client.sock"), SNAPSHOT);
    await serve(join(folder, "concentrator.sock"), { ...SNAPSHOT, role: "concentrator", bonds: home });
    const shell = recordingShell({ stateDirectory: () => folder });
    expect(await runCli(["why", "home1/isp1"], shell)).toBe(0);
    expect(shell.written.out).toContain("isp1 to home1, aggregate");
    expect(shell.written.out).not.toContain("to concentrator");
    const both = recordingShell({ stateDirectory: () => folder });
    await runCli(["why", "isp1"], both);
    expect(both.written.out).toMatch(/isp1 to concentrator, balance-xor[\s\S]*isp1 to home1, aggregate/);
  });

  it("ends with 69 when nothing runs", async () => {
    expect(await runCli(["why", "isp1"], recordingShell())).toBe(69);
  });
});
