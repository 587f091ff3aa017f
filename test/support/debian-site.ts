import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DebianMachine } from "./debian-machine.ts";
import { debianBase } from "./debian-root.ts";
import { execute, type Namespace } from "./netns.ts";
import { startPlainLines } from "./plain-lines.ts";
import { buildTopology, type Topology } from "./topology.ts";
import { waitFor } from "./wait.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
/** Where the machines find the packages. */
export const PACKAGES = "/root/wanbond";

/** A household with two uplinks whose router is a Debian, and a rented server with another one. */
export interface DebianSite {
  readonly topology: Topology;
  readonly router: DebianMachine;
  readonly vps: DebianMachine;
  remove(): Promise<void>;
}

/** @param packages folder of this host that both machines see as PACKAGES. */
export async function startDebianSite(packages: string): Promise<DebianSite> {
  const topology = await buildTopology({ uplinkCount: 2 });
  await startPlainLines(topology);
  const base = await debianBase();
  const folders = { [PACKAGES]: packages };
  const boot = (namespace: Namespace) => DebianMachine.boot(base, namespace, { folders });
  const [router, vps] = await Promise.all([boot(topology.router), boot(topology.concentrator)]);
  return {
    topology,
    router,
    vps,
    async remove() {
      await Promise.all([router.stop(), vps.stop()]);
      topology.remove();
    },
  };
}

/** A folder of our own with what `npm run package` makes. */
export async function makePackages(...options: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "wanbond-packages-"));
  const command = ["npm", "--prefix", CHECKOUT, "run", "--silent", "package", "--", "--out", folder, ...options];
  await execute(["nice", "-n", "10", ...command], { deadlineMs: 300_000 });
  return folder;
}

/** The same Debian package once more, as a later version. @returns its path. */
export async function laterVersion(deb: string, version: string, folder: string): Promise<string> {
  const unpacked = mkdtempSync(join(tmpdir(), "wanbond-later-"));
  await execute(["dpkg-deb", "-R", deb, unpacked]);
  const control = join(unpacked, "DEBIAN/control");
  await execute(["sed", "-i", `s/^Version: .*/Version: ${version}/`, control]);
  const file = join(folder, `wanbond_${version}_later.deb`);
  await execute(["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", unpacked, file]);
  rmSync(unpacked, { recursive: true });
  return file;
}

/** Writes a file in a machine, readable by root only. */
export async function writeInside(machine: DebianMachine, path: string, text: string): Promise<void> {
  await machine.exec(`umask 077; mkdir -p "$(dirname ${path})"; cat >${path}`, { input: text });
}

/** What bears our name, apart from the packages on offer and what apt and systemd write into their diaries. */
export async function leftovers(machine: DebianMachine): Promise<string[]> {
  const found = await machine.exec(
    `find / \\( -path /proc -o -path /sys -o -path ${PACKAGES} -o -path /mirror -o -path /var/log \\) -prune -o -iname '*wanbond*' -print`,
  );
  return found.split("\n").filter((path) => path !== "" && !/^\/var\/(cache\/apt|lib\/dpkg)\//.test(path));
}

/** Waits until something listens on a TCP port in a namespace. */
export async function waitForPort(namespace: Namespace, port: number): Promise<void> {
  const listens = async () => (await namespace.exec(["ss", "-Hltn", `sport = :${port}`])) !== "";
  await waitFor(listens, { what: `something listens on port ${port}` });
}
