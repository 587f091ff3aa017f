import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StatusSnapshot } from "../../packages/shared/src/control/status.ts";
import { execute, isRoot } from "../support/netns.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { type Program, wanbondCommand } from "../support/program.ts";
import { type BondPair, PORT, preparePair } from "../support/programs.ts";
import { type Ended, run } from "../support/run.ts";
import { readSystemState } from "../support/system-state.ts";
import { buildTopology, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";

describe.skipIf(!isRoot())("command line", () => {
  let topology: Topology;
  let pair: BondPair;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 1 });
    await startPlainLines(topology);
    pair = await preparePair(topology);
  });
  afterAll(async () => {
    await pair?.stop();
    topology?.remove();
  });

  const homeOf = ({ role }: Program) => (role === "client" ? topology.router : topology.concentrator);
  const wanbond = (...parameters: readonly string[]) => run(topology.router, wanbondCommand(...parameters));
  const runCommand = ({ role, configFile }: Program) => wanbondCommand(role, "run", "--config", configFile);

  describe("of programs that run", () => {
    beforeAll(() => pair.start());
    afterAll(async () => {
      await Promise.all([pair.client.stop(), pair.concentrator.stop()]);
    });

    it("status shows a table", async () => {
      const { status, stdout } = await wanbond("status", "--socket", pair.client.controlSocket);
      expect(status).toBe(0);
      expect(stdout).toMatch(/concentrator +aggregate .* Healthy +1\/1 +\d+ +\S+ .* 10\.200\.0\.2\/32/);
      expect(stdout).toMatch(/MEMBER +DEVICE +STATUS +RTT ms +PDV ms +PLR +PER +TX Mbit\/s +RX Mbit\/s +SHARE +MTU/);
      expect(stdout).toMatch(/isp1 +isp1 +up +\d+\.\d/);
      const there = await wanbond("status", "--socket", pair.concentrator.controlSocket);
      expect(there.stdout).toMatch(/home1 +aggregate .* Healthy/);
    });

    it("status --json fits its schema", async () => {
      for (const program of [pair.client, pair.concentrator]) {
        const { stdout } = await wanbond("status", "--json", "--socket", program.controlSocket);
        const snapshot = StatusSnapshot.strict().parse(JSON.parse(stdout));
        expect([snapshot.role, snapshot.pid, snapshot.bonds.length]).toEqual([program.role, program.pid, 1]);
      }
    });

    it("status --watch goes on", async () => {
      const command = wanbondCommand("status", "--json", "--watch", "--socket", pair.client.controlSocket);
      const watching = topology.router.spawn(command, { stdio: ["ignore", "pipe", "inherit"] });
      if (watching.stdout === null) throw new Error("unreachable: standard output is a pipe");
      const lines: string[] = [];
      createInterface(watching.stdout).on("line", (line) => lines.push(line));
      await waitFor(() => lines.length >= 3, { what: "three snapshots" });
      watching.kill("SIGINT");
      await once(watching, "exit");
      const uptimes = lines.map((line) => StatusSnapshot.parse(JSON.parse(line)).uptimeMs);
      expect(uptimes).toEqual([...uptimes].sort((a, b) => a - b));
    });

    it("events shows what happened", async () => {
      const { stdout } = await wanbond("events", "--json", "--socket", pair.client.controlSocket);
      const events = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).event);
      expect(events).toEqual(expect.arrayContaining(["uplink-appeared", "session", "member-state", "ready"]));
      const last = await wanbond("events", "--last", "1", "--socket", pair.client.controlSocket);
      expect(last.stdout.trim().split("\n")).toHaveLength(1);
    });

    it("the control socket is the owner's alone", async () => {
      expect(statSync(pair.client.controlSocket).mode & 0o777).toBe(0o600);
    });
  });

  it("status says that nothing runs", async () => {
    const { status, stderr } = await wanbond("status");
    expect(status).toBe(69);
    expect(stderr).toMatch(/^No wanbond runs in this network namespace: .*\n$/);
  });

  it("a program without stateDirectory is found by status, and leaves no directory behind", async () => {
    const text = readFileSync(pair.concentrator.configFile, "utf8");
    const configFile = join(pair.folder, "plain.toml");
    writeFileSync(configFile, text.replace(/^(controlSocket|stateDirectory) = .*\n/gm, ""));
    const running = topology.concentrator.spawn(wanbondCommand("concentrator", "run", "--config", configFile), {
      stdio: "ignore",
    });
    const asked = () => run(topology.concentrator, wanbondCommand("status", "--json"));
    await waitFor(async () => (await asked()).status === 0, { what: "status finds it" });
    expect(JSON.parse((await asked()).stdout)).toMatchObject({ role: "concentrator", pid: running.pid });
    const inode = (await topology.concentrator.exec(["stat", "-L", "-c", "%i", "/proc/self/ns/net"])).trim();
    expect(existsSync(`/run/wanbond/netns-${inode}`)).toBe(true);
    running.kill("SIGTERM");
    await once(running, "exit");
    expect(running.exitCode).toBe(0);
    expect(existsSync(`/run/wanbond/netns-${inode}`)).toBe(false);
  });

  describe("of a start that cannot be", () => {
    /** The start ends with this status and one sentence, and leaves all as it was. */
    async function expectRefusal(
      program: Program,
      status: number,
      sentence: RegExp,
      prefix: readonly string[] = [],
    ): Promise<Ended> {
      const before = await readSystemState(homeOf(program));
      const ended = await run(homeOf(program), [...prefix, ...runCommand(program)]);
      expect(ended.stderr).toMatch(sentence);
      expect(ended.stderr.trim().split("\n")).toHaveLength(1);
      expect(ended.status).toBe(status);
      expect(await readSystemState(homeOf(program))).toEqual(before);
      return ended;
    }
    /** With files or folders in place of others, for this process only. */
    const mounted = (...pairs: readonly (readonly [from: string, over: string])[]) => {
      const mounts = pairs.map(([from, over]) => `mount --bind ${from} ${over}`);
      return ["unshare", "--mount", "sh", "-c", `${mounts.join(" && ")} && exec "$@"`, "sh"];
    };
    const pathOf = async (program: string) =>
      (await execute(["sh", "-c", `readlink -f "$(command -v ${program})"`])).trim();

    it("without the right to change the network", async () => {
      const prefix = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];
      for (const program of [pair.client, pair.concentrator]) {
        await expectRefusal(program, 77, /^wanbond may not change the network\. Run it as root/, prefix);
      }
    });

    it("without nft", async () => {
      const prefix = mounted(["/dev/null", await pathOf("nft")]);
      await expectRefusal(
        pair.concentrator,
        69,
        /^The program nft was not found\. Install it: apt install nftables/,
        prefix,
      );
    });

    it("without ip", async () => {
      const prefix = mounted(["/dev/null", await pathOf("ip")]);
      await expectRefusal(pair.client, 69, /^The program ip was not found\. Install it: apt install iproute2/, prefix);
    });

    it("without /dev/net/tun", async () => {
      const empty = join(pair.folder, "empty");
      mkdirSync(empty, { recursive: true });
      const prefix = mounted([empty, "/dev/net"]);
      for (const program of [pair.client, pair.concentrator]) {
        await expectRefusal(program, 69, /^\/dev\/net\/tun is missing\. Load the module/, prefix);
      }
    });

    it("when the UDP port is taken", async () => {
      const script = `require("node:dgram").createSocket("udp4").bind(${PORT}, () => console.log("bound"))`;
      const other = topology.concentrator.spawn([process.execPath, "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(other.stdout ?? other, "data");
      try {
        await expectRefusal(
          pair.concentrator,
          75,
          new RegExp(`^Another program listens on UDP 0\\.0\\.0\\.0:${PORT}\\.`),
        );
      } finally {
        other.kill();
      }
    });

    it("when the host has no such address to listen on", async () => {
      const configFile = edited(pair.concentrator, /0\.0\.0\.0:/, "203.0.113.99:");
      const ended = await run(topology.concentrator, wanbondCommand("concentrator", "run", "--config", configFile));
      expect(ended.stderr).toMatch(/^This host has no address for 203\.0\.113\.99:51900\./);
      expect(ended.status).toBe(71);
    });

    it("when another program holds the TAP", async () => {
      await pair.client.start();
      const configFile = edited(pair.client, /stateDirectory = "(.*)"/, `stateDirectory = "$1-2"`);
      const ended = await run(topology.router, wanbondCommand("client", "run", "--config", configFile));
      await pair.client.stop();
      expect(ended.stderr).toMatch(/^The device wb0 is there already and another program holds it\./);
      expect(ended.status).toBe(75);
    });

    it("when a device that is no TAP has its name", async () => {
      await topology.router.ip("link add wb0 type veth peer name wb0peer");
      try {
        await expectRefusal(pair.client, 75, /^The device wb0 is there already and is no TAP/);
      } finally {
        await topology.router.ip("link del wb0");
      }
    });

    it("with faults in its file: all at once, and nothing is touched", async () => {
      const stateDirectory = join(pair.folder, "never-made");
      const configFile = join(pair.folder, "faulty.toml");
      writeFileSync(
        configFile,
        `[client]
privateKeyFile = "nowhere.key"
tap = "a-name-that-is-too-long"
colour = "blue"
stateDirectory = "${stateDirectory}"
[concentrator]
publicKey = "short"
endpoints = []
[[uplink]]
name = "isp1"
`,
      );
      const before = await readSystemState(topology.router);
      for (const command of [["check"], ["client", "run"]]) {
        const ended = await wanbond(...command, "--config", configFile);
        expect(ended.status).toBe(78);
        const lines = ended.stderr.trim().split("\n");
        expect(lines).toHaveLength(6);
        for (const [index, key] of ["privateKeyFile", "tap", "colour", "publicKey", "endpoints", "device"].entries()) {
          expect(lines[index]).toMatch(new RegExp(`^${configFile}:\\d+:\\d+: .*${key}`));
        }
      }
      expect(existsSync(stateDirectory)).toBe(false);
      expect(await readSystemState(topology.router)).toEqual(before);
    });
  });

  it("a device that is missing at the start is named in the log, and the uplink waits for it", async () => {
    const configFile = edited(pair.client, /device = "isp1"/, 'device = "eth9"');
    const running = spawn("ip", [
      "netns",
      "exec",
      topology.router.name,
      ...wanbondCommand("client", "run", "--config", configFile),
    ]);
    let output = "";
    running.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    await waitFor(() => output.includes("there is no device eth9"), { what: "the log names the device" });
    running.kill("SIGTERM");
    await once(running, "exit");
    expect(running.exitCode).toBe(0);
  });

  /** A copy of a program's file with a change. */
  function edited(program: Program, what: RegExp, by: string): string {
    const configFile = join(pair.folder, "edited.toml");
    const text = readFileSync(program.configFile, "utf8");
    writeFileSync(configFile, text.replace(what, by));
    return configFile;
  }
});
