import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { DebianMachine } from "../support/debian-machine.ts";
import { missingForDebian } from "../support/debian-packages.ts";
import {
  type DebianSite,
  laterVersion,
  leftovers,
  makePackages,
  PACKAGES,
  startDebianSite,
  waitForPort,
  writeInside,
} from "../support/debian-site.ts";
import { readSystemState, type SystemState } from "../support/system-state.ts";
import { ADDRESSES } from "../support/topology.ts";
import { measurePing } from "../support/traffic.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

const missing = missingForDebian();
const CLIENT = "wanbond-client.service";
const CONCENTRATOR = "wanbond-concentrator.service";

/** The Debian package as a service, on two machines with systemd: from installing it to purging it. */
describe.skipIf(missing !== "")(`services${missing && ` (skipped: ${missing})`}`, { timeout: 60_000 }, () => {
  let packages: string;
  let site: DebianSite;
  let bare: readonly SystemState[];

  beforeAll(async () => {
    packages = await makePackages("--format", "deb");
    site = await startDebianSite(packages);
    bare = await systemStates();
  });
  afterAll(async () => {
    await site?.remove();
    rmSync(packages, { recursive: true, force: true });
  });

  function systemStates(): Promise<SystemState[]> {
    return Promise.all([site.topology.router, site.topology.concentrator].map(readSystemState));
  }
  const both = () => [site.router, site.vps];

  async function reaches(): Promise<boolean> {
    const { received } = await measurePing(site.topology.lan, ADDRESSES.server, { seconds: 0.2 });
    return received > 0;
  }
  async function waitForBond(): Promise<void> {
    const connected = async () => (await site.router.exec("wanbond status --json || true")).includes('"state":"up"');
    await waitFor(connected, { what: "the bond is up", deadlineMs: 20_000, intervalMs: 100 });
    await waitFor(reaches, { what: "the LAN reaches the server", deadlineMs: 10_000, intervalMs: 100 });
  }
  /** How a command ends, with what it said; a failure is no error here. */
  function attempt(machine: DebianMachine, line: string): Promise<string> {
    return machine.exec(`${line} 2>&1; echo "status $?"`);
  }

  it("installing starts nothing, be the packages beside the script or on a web server", async () => {
    const { server } = site.topology;
    const web = ["python3", "-m", "http.server", "8000", "--directory", packages];
    server.spawn(web, { stdio: "ignore" });
    await waitForPort(server, 8000);
    const fetched = await site.vps.exec(`sh ${PACKAGES}/install.sh --from http://${ADDRESSES.server}:8000`);
    expect(fetched).toMatch(/fetching http.*\.deb/);
    await site.router.exec(`sh ${PACKAGES}/install.sh`);
    for (const [machine, unit] of [
      [site.router, CLIENT],
      [site.vps, CONCENTRATOR],
    ] as const) {
      expect(await machine.exec(`systemctl is-active ${unit} || true`)).toBe("inactive\n");
      expect(await machine.exec(`systemctl is-enabled ${unit} || true`)).toBe("disabled\n");
      expect(await machine.exec("wanbond --version")).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
  });

  it("systemd finds no fault with the units, and little exposed", async () => {
    expect(await site.vps.exec(`systemd-analyze verify --man=no ${CLIENT} ${CONCENTRATOR} 2>&1`)).toBe("");
    for (const unit of [CLIENT, CONCENTRATOR]) {
      const text = await site.vps.exec(
        `systemd-analyze security --no-pager --offline=true /usr/lib/systemd/system/${unit}`,
      );
      const score = Number(/Overall exposure level.*: ([\d.]+)/.exec(text)?.[1]);
      console.log(`${unit}: systemd-analyze security says ${score}`);
      expect(score).toBeLessThanOrEqual(2.1);
    }
  });

  it("nft takes the firewall snippets", async () => {
    const folder = "/usr/share/doc/wanbond/nftables";
    expect((await site.vps.exec(`ls ${folder}`)).trim().split("\n")).toHaveLength(2);
    await site.vps.exec(`for file in ${folder}/*.nft; do nft -c -f $file || exit 1; done`);
  });

  it("a service without configuration, or with a bad one, is refused before anything changes", async () => {
    expect(await attempt(site.vps, "wanbond service install")).toMatch(/concentrator init[\s\S]*status 78/);
    await writeInside(site.vps, "/etc/wanbond/concentrator.toml", "[concentrator]\nlisten = 7\n");
    expect(await attempt(site.vps, "wanbond service install")).toMatch(/listen[\s\S]*status 78/);
    expect(await attempt(site.vps, `systemctl is-enabled ${CONCENTRATOR}`)).toContain("disabled");
  });

  it("installs both ends as services, and a second time changes nothing", async () => {
    await configure(site);
    // Times are taken below, and this host has other things to do.
    const priority =
      "mkdir -p /run/systemd/system/wanbond-.service.d; echo '[Service]\nCPUSchedulingPolicy=rr\nCPUSchedulingPriority=1' >/run/systemd/system/wanbond-.service.d/priority.conf; systemctl daemon-reload";
    await Promise.all(both().map((machine) => machine.exec(priority)));
    const vps = await site.vps.exec("wanbond service install");
    expect(vps).toMatch(/starts with the system[\s\S]*started/);
    await site.router.exec("wanbond service install client");
    await waitForBond();
    for (const machine of both())
      expect(await machine.exec("wanbond service install")).toBe("Everything is so already.\n");
  });

  it("systemctl status tells of the bond in a line", async () => {
    const line = async () =>
      /Connected, 2 of 2 uplinks usable/.test(await site.router.exec(`systemctl status ${CLIENT}`));
    await waitFor(line, { what: "the status line names both uplinks", deadlineMs: 10_000, intervalMs: 200 });
  });

  it("the client is ready within 1.5 s of its start", async () => {
    // The best of five: other programs of this host may be in the way.
    const times: number[] = [];
    for (let start = 0; start < 5 && Math.min(...times) >= 1500; start++) {
      await site.router.exec(`systemctl restart ${CLIENT}`);
      times.push(await waitFor(() => msFromStartToReady(site.router), { what: "the event ready", intervalMs: 200 }));
    }
    console.log(`client: ready ${times.join(", ")} ms after its start`);
    expect(Math.min(...times)).toBeLessThan(1500);
    await waitForBond();
  });

  it("a killed client is started again and takes back what it had left", async () => {
    const before = await site.topology.router.exec(["ip", "rule"]);
    process.kill(await site.router.hostPidOf(CLIENT), "SIGKILL");
    await waitFor(async () => (await restarts(site.router)) === 1, {
      what: "systemd starts it again",
      intervalMs: 100,
    });
    await waitForBond();
    expect(await site.topology.router.exec(["ip", "rule"])).toBe(before);
  });

  it("a client whose packets stand still is started again by the watchdog", async () => {
    const override = "/run/systemd/system/wanbond-client.service.d/watchdog.conf";
    await writeInside(site.router, override, "[Service]\nWatchdogSec=3s\n");
    await site.router.exec(`systemctl daemon-reload; systemctl restart ${CLIENT}`);
    await waitForBond();
    await freezeForwarder(await site.router.hostPidOf(CLIENT));
    await waitFor(async () => (await restarts(site.router)) === 1, { what: "the watchdog bites", deadlineMs: 15_000 });
    expect(await site.router.exec(`journalctl -q -o cat -u ${CLIENT}`)).toContain("Watchdog timeout");
    await site.router.exec(`rm -r $(dirname ${override}); systemctl daemon-reload`);
    await waitForBond();
  });

  it("a configuration with a fault and a key that others may read end it for good", async () => {
    const file = "/etc/wanbond/client.key";
    await attempt(site.router, `chmod 644 ${file}; systemctl restart ${CLIENT}`);
    await waitFor(() => site.router.unitIs(CLIENT, "failed"), { what: "it gives up" });
    expect(await site.router.exec(`systemctl show -p NRestarts,ExecMainStatus ${CLIENT}`)).toMatch(
      /NRestarts=0\nExecMainStatus=78|ExecMainStatus=78\nNRestarts=0/,
    );
    expect(await site.router.journal(CLIENT)).toContain(`chmod 600 ${file}`);
    await site.router.exec(`chmod 600 ${file}; wanbond service install`);
    await waitForBond();
  });

  it.each([
    ["client", "router"],
    ["concentrator", "vps"],
  ] as const)("sessions go on when the %s is upgraded", async (role, machine) => {
    const deb = readdirSync(packages).find((name) => /^wanbond_.*[^r]\.deb$/.test(name)) ?? "";
    await laterVersion(join(packages, deb), "9.0", packages);
    const probe = await startProbe(site.topology.lan, site.topology.server, ADDRESSES.server);
    onTestFinished(() => void probe.stop()); // also when it goes wrong
    const pid = await site[machine].hostPidOf(`wanbond-${role}.service`);
    await site[machine].exec(`apt-get -qq install -y ${PACKAGES}/wanbond_9.0_later.deb`);
    await waitFor(async () => (await site[machine].hostPidOf(`wanbond-${role}.service`)) !== pid, {
      what: "a new process",
    });
    await waitForBond();
    const { longestGapMs } = summarizeProbe(await probe.stop());
    console.log(`upgrade of the ${role}: ${Math.round(longestGapMs ?? Number.NaN)} ms without a packet`);
    expect(longestGapMs).toBeGreaterThan(0);
    expect(longestGapMs).toBeLessThan(2000);
  });

  it("removing ends the services and leaves configuration, keys and state only", async () => {
    await Promise.all(
      both().map((machine) => machine.exec("rm -r /run/systemd/system/wanbond-.service.d; systemctl daemon-reload")),
    );
    // Killed while it is being removed: nobody starts it again to take back its rules.
    await site.router.exec(`systemctl kill --signal=KILL ${CLIENT}; systemctl stop ${CLIENT}`);
    expect(await site.topology.router.exec(["ip", "rule"])).toContain("lookup 18731");
    await Promise.all(both().map((machine) => machine.exec(`sh ${PACKAGES}/install.sh --remove`)));
    expect(await systemStates()).toEqual(bare);
    for (const machine of both()) {
      expect(await leftovers(machine)).toEqual(["/etc/wanbond", "/var/lib/wanbond"]);
      expect(await machine.exec("ls /etc/wanbond")).toMatch(/^\w+\.key\n\w+\.toml\n$/);
    }
  });

  it("purging leaves nothing", async () => {
    await Promise.all(both().map((machine) => machine.exec(`sh ${PACKAGES}/install.sh --remove --purge`)));
    for (const machine of both()) expect(await leftovers(machine)).toEqual([]);
    expect(await systemStates()).toEqual(bare);
  });
});

/** Keys and files of both ends, as an operator writes them by hand. */
async function configure({ router, vps }: DebianSite): Promise<void> {
  const keys = await Promise.all(
    (
      [
        [router, "client"],
        [vps, "concentrator"],
      ] as const
    ).map(async ([machine, role]) => {
      const key = `/etc/wanbond/${role}.key`;
      return machine.exec(`umask 077; mkdir -p /etc/wanbond; wanbond keygen >${key}; wanbond pubkey <${key}`);
    }),
  );
  const [client, concentrator] = keys.map((key) => key.trim());
  await writeInside(
    vps,
    "/etc/wanbond/concentrator.toml",
    `[concentrator]
listen = ["0.0.0.0:51900"]
privateKeyFile = "concentrator.key"
address = ["10.200.0.1/24"]
nat = true
[[client]]
name = "home1"
publicKey = "${client}"
address = ["10.200.0.2/32"]
routes = ["${ADDRESSES.lanNetwork}"]
`,
  );
  await writeInside(
    router,
    "/etc/wanbond/client.toml",
    `uplinks = "auto"
[client]
privateKeyFile = "client.key"
defaultRoute = true
lan = ["${ADDRESSES.lanNetwork}"]
[concentrator]
publicKey = "${concentrator}"
endpoints = ["${ADDRESSES.concentrator}:51900"]
`,
  );
}

/** null while it is not ready. */
async function msFromStartToReady(machine: DebianMachine): Promise<number | null> {
  const started = Number(await machine.exec(`systemctl show -p ExecMainStartTimestampMonotonic --value ${CLIENT}`));
  const lines = (await machine.exec(`journalctl -q -o json -u ${CLIENT}`)).split("\n").filter(Boolean);
  for (const line of lines) {
    const { MESSAGE, __MONOTONIC_TIMESTAMP } = JSON.parse(line);
    const readyUs = Number(__MONOTONIC_TIMESTAMP);
    if (readyUs > started && String(MESSAGE).includes('"event":"ready"')) return Math.round((readyUs - started) / 1000);
  }
  return null;
}

async function restarts(machine: DebianMachine): Promise<number> {
  return Number(await machine.exec(`systemctl show -p NRestarts --value ${CLIENT}`));
}

/** Stops the thread that waits in poll, and no other; it stays so until this test ends. */
async function freezeForwarder(pid: number): Promise<void> {
  const task = readdirSync(`/proc/${pid}/task`).find((each) => {
    const call = readFileSync(`/proc/${pid}/task/${each}/syscall`, "utf8").split(" ")[0];
    return call === (process.arch === "arm64" ? "73" : "271"); // ppoll
  });
  const script = `
import ctypes, os, sys
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long] * 4
assert ptrace(0x4206, int(sys.argv[1]), 0, 0) == 0, "seize"
assert ptrace(0x4207, int(sys.argv[1]), 0, 0) == 0, "interrupt"
print("frozen", flush=True)
try:
    while True:
        os.waitpid(int(sys.argv[1]), 0x40000000)  # __WALL; a killed thread is gone only when its tracer has seen it
except ChildProcessError:
    pass
`;
  const tracer = spawn("python3", ["-c", script, task ?? "0"], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void tracer.kill());
  const [said] = await once(tracer.stdout, "data");
  expect(String(said).trim()).toBe("frozen");
}
