import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNamespaces, type ExecOptions, execute, type Namespace } from "./netns.ts";
import { waitFor } from "./wait.ts";

/** Packages of Debian that the daemon and its base image need. */
export const DOCKER_PACKAGES = ["docker.io", "docker-compose", "debootstrap"];
const CACHE = process.env["WANBOND_TEST_CACHE"] ?? "/var/cache/wanbond-test";
const RELEASE = "trixie";
const MIRROR = "http://deb.debian.org/debian";
/** All that the images install, so that building them needs no network. */
const INCLUDED = ["nodejs", "iproute2", "nftables", "iperf3", "iputils-ping", "ethtool"];
/** A change of what is in it gets a new name. */
const ARCHIVE = join(CACHE, `docker-base-${RELEASE}-1.tar`);
/** Debian's client before others that may be in the way. */
const PATH = `/usr/bin:/usr/sbin:/bin:/sbin:${process.env["PATH"]}`;

/**
 * A Docker daemon of the test's own: data, socket and network namespace are apart from any other daemon's, and vanish
 * with it.
 */
export class DockerDaemon {
  readonly network: Namespace;
  readonly #folder: string;
  readonly #process: ChildProcess;
  #log = "";

  private constructor(network: Namespace, folder: string) {
    this.network = network;
    this.#folder = folder;
    const configuration = join(folder, "daemon.json");
    writeFileSync(configuration, "{}\n");
    const folders = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")];
    const files = ["--pidfile", join(folder, "pid"), "--config-file", configuration, "-H", this.#socket];
    // Without iptables, which not every kernel has: bridges alone are enough here.
    const command = ["dockerd", ...folders, ...files, "--iptables=false", "--bridge=none"];
    // Not `ip netns exec`, which would hide the control groups.
    this.#process = spawn("nsenter", [`--net=/run/netns/${network.name}`, ...command], {
      env: { ...process.env, PATH },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-8000);
      });
    }
  }

  static async start(): Promise<DockerDaemon> {
    const [network] = await createNamespaces(["docker"]);
    if (network === undefined) throw new Error("unreachable: one namespace was asked for");
    const daemon = new DockerDaemon(network, mkdtempSync(join(tmpdir(), "wanbond-docker-")));
    try {
      await waitFor(() => daemon.#answers(), { what: "dockerd answers", deadlineMs: 60_000, intervalMs: 200 });
    } catch (error) {
      await daemon.stop();
      throw new Error(`${String(error)}\n${daemon.#log}`);
    }
    return daemon;
  }

  /** What makes docker, compose and scripts talk to this daemon. */
  get variables(): Readonly<Record<string, string>> {
    return { DOCKER_HOST: this.#socket, PATH };
  }

  /** Runs a command that talks to this daemon. @returns its standard output. */
  run(
    command: readonly string[],
    options: ExecOptions & { readonly env?: Record<string, string> } = {},
  ): Promise<string> {
    const { env, ...rest } = options;
    const variables = Object.entries({ ...this.variables, ...env }).map(([name, value]) => `${name}=${value}`);
    return execute(["env", ...variables, ...command], rest);
  }

  /** Makes a bare Debian with node an image. The first time on a machine it is fetched. */
  async importBase(image: string): Promise<void> {
    if (!existsSync(ARCHIVE)) await makeArchive();
    await this.run(["docker", "import", ARCHIVE, image], { deadlineMs: 120_000 });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGTERM");
      const impatience = setTimeout(() => this.#process.kill("SIGKILL"), 30_000);
      await ended;
      clearTimeout(impatience);
    }
    this.network.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #socket(): string {
    return `unix://${join(this.#folder, "docker.sock")}`;
  }

  async #answers(): Promise<boolean> {
    if (this.#process.exitCode !== null) throw new Error(`dockerd ended with status ${this.#process.exitCode}`);
    return this.run(["docker", "version"]).then(
      () => true,
      () => false,
    );
  }
}

async function makeArchive(): Promise<void> {
  console.error(`setup: fetching a bare Debian into ${ARCHIVE}`);
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, "draft-"));
  const root = join(draft, "root");
  const slow = { deadlineMs: 540_000 };
  const include = `--include=${INCLUDED.join(",")}`;
  try {
    await execute(["nice", "-n", "10", "debootstrap", "--variant=minbase", include, RELEASE, root, MIRROR], slow);
    rmSync(join(root, "var/cache/apt"), { recursive: true, force: true });
    rmSync(join(root, "var/lib/apt/lists"), { recursive: true, force: true });
    await execute(["tar", "-C", root, "-cf", join(draft, "base.tar"), "."], slow);
    renameSync(join(draft, "base.tar"), ARCHIVE);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
