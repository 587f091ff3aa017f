import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingForDebian } from "../support/debian-packages.ts";
import { DOCKER_PACKAGES, DockerDaemon } from "../support/docker-daemon.ts";
import { execute } from "../support/netns.ts";
import { parsePing } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const LAB = `${CHECKOUT}deploy/docker/lab.sh`;
/** Below the checkout, as the images' build context is. */
const PROGRAMS = `dist/docker-test-${process.pid}`;
/** Lines of 16 Mbit/s altogether, the best of them half of it. */
const VARIABLES = {
  BASE_IMAGE: "wanbond-base",
  PROGRAMS,
  ISP1_DOWN: "8000",
  ISP2_DOWN: "5000",
  ISP3_DOWN: "3000",
  ISP3_LOSS: "0",
};

const obstacle = missingForDebian(DOCKER_PACKAGES);
/** A CI that cannot run this fails. */
const isSkipped = obstacle !== "" && process.env["CI"] === undefined;

/** The lab as a user drives it, on a daemon of our own. */
describe.skipIf(isSkipped)(`the lab in containers${obstacle && ` (skipped: ${obstacle})`}`, () => {
  let daemon: DockerDaemon;
  const lab = (...parameters: readonly string[]) =>
    daemon.run([LAB, ...parameters], { env: VARIABLES, deadlineMs: 240_000 });
  const docker = (...parameters: readonly string[]) => daemon.run(["docker", ...parameters], { deadlineMs: 120_000 });
  const pings = async (count: number) => {
    const container = (await docker("ps", "-q", "--filter", "name=lan")).trim();
    const command = ["ping", "-n", "-i", "0.2", "-c", String(count), "-W", "2", "198.19.1.80"];
    return parsePing(await docker("exec", container, ...command));
  };
  const stateOf = async (member: string) => new RegExp(`\\b${member} +\\S+ +(\\w+)`).exec(await lab("status"))?.[1];

  beforeAll(async () => {
    if (obstacle !== "") throw new Error(obstacle);
    await execute(["npx", "tsx", `${CHECKOUT}deploy/docker/programs.ts`, CHECKOUT + PROGRAMS], { deadlineMs: 120_000 });
    daemon = await DockerDaemon.start();
    await daemon.importBase(VARIABLES.BASE_IMAGE);
  });
  afterAll(async () => {
    if (daemon !== undefined) await lab("down").finally(() => daemon.stop());
    rmSync(CHECKOUT + PROGRAMS, { recursive: true, force: true });
  });

  it("refuses to measure before it is up", async () => {
    await expect(lab("run")).rejects.toThrow(/not up/);
  });

  it("comes up, also twice", async () => {
    expect(await lab("up")).toContain("The lab is up");
    const before = await docker("ps", "-q");
    expect(await lab("up")).toContain("The lab is up");
    expect(await docker("ps", "-q")).toBe(before);
    const isp = (await docker("ps", "-q", "--filter", "name=isp1")).trim();
    expect(await docker("logs", isp)).toMatch(/the line is shaped by (the kernel's netem|wanbond's own emulator)/);
  });

  it("carries one TCP connection over all three lines, and prints the table", async () => {
    let table = "";
    const moreThanTheBestLine = async () => {
      table = await lab("run", "6");
      return megabits(table) > 8.2;
    };
    await waitFor(moreThanTheBestLine, {
      what: "one TCP connection gets more than the best line",
      deadlineMs: 100_000,
    });
    for (const member of ["isp1", "isp2", "isp3"]) expect(share(table, member)).toBeGreaterThan(3);
  });

  it("goes on when a line is cut", async () => {
    const stream = pings(50);
    expect(await lab("cut", "1")).toContain("Line 1 is dead");
    const { sent, received } = await stream;
    expect(sent - received).toBeLessThan(8);
    await waitFor(async () => (await stateOf("isp1")) === "down", { what: "isp1 is out", deadlineMs: 20_000 });
    const table = await lab("run", "3");
    expect(share(table, "isp1")).toBe(0);
    expect(megabits(table)).toBeGreaterThan(1);
    await lab("restore", "isp1");
    await waitFor(async () => (await stateOf("isp1")) === "up", { what: "isp1 is back", deadlineMs: 30_000 });
  });

  it("does not wait for a line that has become slow", async () => {
    expect(await lab("slow", "2", "400")).toContain("400 ms longer");
    await waitFor(async () => /isp2 +\S+ +\S+ +[6-9]\d\d\./.test(await lab("status")), {
      what: "isp2 is seen to be slow",
      deadlineMs: 20_000,
    });
    expect((await pings(20)).p50Ms).toBeLessThan(400);
  });

  it.each([
    ["no command", []],
    ["an unknown command", ["dance"]],
    ["no line", ["cut"]],
    ["an unknown line", ["cut", "isp4"]],
    ["a duration that is no number", ["run", "soon"]],
  ])("refuses %s with its usage", async (_what, parameters) => {
    await expect(lab(...parameters)).rejects.toThrow(/status 64[\s\S]*Usage:/);
  });

  it("leaves nothing behind", async () => {
    await lab("down");
    await lab("down");
    const left = [await docker("ps", "-aq"), await docker("volume", "ls", "-q")];
    expect(left).toEqual(["", ""]);
    expect(await docker("network", "ls", "--format", "{{.Name}}")).not.toContain("wanbond");
    expect(await daemon.network.exec(["ip", "-o", "link"])).not.toContain("br-");
  });

  it("is built from the same file as wanbond's own image", async () => {
    const build = ["--build-arg", `BASE_IMAGE=${VARIABLES.BASE_IMAGE}`, "--build-arg", `PROGRAMS=${PROGRAMS}`];
    await docker("build", "-q", "-t", "wanbond", "-f", `${CHECKOUT}deploy/docker/Dockerfile`, ...build, CHECKOUT);
    expect(await docker("run", "--rm", "--network", "none", "wanbond", "--version")).toMatch(/^\d+\.\d+\.\d+/);
    const key = (await docker("run", "--rm", "--network", "none", "wanbond", "keygen")).trim();
    expect(Buffer.from(key, "base64")).toHaveLength(32);
  });
});

function megabits(table: string): number {
  return Number(/download, \d+ s: +([\d.]+) Mbit/.exec(table)?.[1] ?? Number.NaN);
}

/** Per cent of what was received. */
function share(table: string, member: string): number {
  return Number(new RegExp(`${member} .* (\\d+) %`).exec(table)?.[1] ?? Number.NaN);
}
