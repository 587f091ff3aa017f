import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute } from "./netns.ts";

/** Bare Debian systems are made once and kept here; WANBOND_TEST_CACHE names another place. */
const CACHE = process.env["WANBOND_TEST_CACHE"] ?? "/var/cache/wanbond-test";
const RELEASE = "trixie";
const MIRROR = "http://deb.debian.org/debian";
/** What a rented server or a router with Debian has before anybody does anything. */
const BARE = ["systemd-sysv", "dbus", "iproute2", "kmod", "procps", "ca-certificates"];
/** What the packages of wanbond ask apt for; the machines of the tests have no internet to fetch it from. */
const FETCHED = ["nodejs", "nftables", "iproute2"];
/** A change of what is in the cache gets a new name. */
const NAME = `${RELEASE}-1`;

/** Of the folders of running machines. */
const PREFIX = "wanbond-debian-";

/** A bare system and the packages that its apt may install. Both are read only. */
export interface DebianBase {
  readonly root: string;
  /** A repository of packages: Packages and .deb files. */
  readonly mirror: string;
}

/** Makes the base system, or finds that of an earlier run. */
export async function debianBase(): Promise<DebianBase> {
  const folder = join(CACHE, NAME);
  if (!existsSync(folder)) {
    console.error(`setup: fetching a bare Debian into ${folder}`);
    mkdirSync(CACHE, { recursive: true });
    const draft = mkdtempSync(join(CACHE, "draft-"));
    try {
      await makeRoot(join(draft, "root"));
      await makeMirror(join(draft, "root"), join(draft, "mirror"));
      renameSync(draft, folder);
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      throw error;
    }
  }
  return { root: join(folder, "root"), mirror: join(folder, "mirror") };
}

async function makeRoot(root: string): Promise<void> {
  const include = `--include=${BARE.join(",")}`;
  await slow(["debootstrap", "--variant=minbase", include, RELEASE, root, MIRROR]);
  // nodejs is to come when wanbond is installed, from the repository that the machine finds at /mirror.
  writeFileSync(join(root, "etc/apt/sources.list"), "deb [trusted=yes] file:/mirror ./\n");
  await execute(["sh", "-c", `rm -rf ${root}/var/lib/apt/lists/* ${root}/var/cache/apt/archives/*.deb`]);
}

/** Lets an apt with empty hands fetch the packages, into a copy of the system that is thrown away. */
async function makeMirror(root: string, mirror: string): Promise<void> {
  const copy = `${root}-copy`;
  await slow(["cp", "-a", root, copy]);
  writeFileSync(join(copy, "etc/apt/sources.list"), `deb ${MIRROR} ${RELEASE} main\n`);
  await execute(["cp", "/etc/resolv.conf", join(copy, "etc/resolv.conf")]);
  await slow(["chroot", copy, "apt-get", "-qq", "update"]);
  const install = ["apt-get", "-qq", "-y", "--no-install-recommends", "--download-only", "install", ...FETCHED];
  await slow(["chroot", copy, ...install]);
  mkdirSync(mirror);
  await execute(["sh", "-c", `mv ${copy}/var/cache/apt/archives/*.deb ${mirror}`]);
  await execute(["sh", "-c", `cd ${mirror} && dpkg-scanpackages --multiversion . >Packages 2>/dev/null`]);
  rmSync(copy, { recursive: true });
}

/** A writable system over the base: nothing is copied, and what was changed lies apart. */
export interface DebianRoot {
  readonly folder: string;
  /** Synchronous, so that it works at exit. */
  remove(): void;
}

/** @returns one that does not outlive this process: what makers that were killed have left is swept first. */
export async function debianRoot(base: DebianBase): Promise<DebianRoot> {
  sweep();
  const work = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const inside = (name: string) => join(work, name);
  for (const name of ["root", "changes", "scratch"]) mkdirSync(inside(name));
  const options = `lowerdir=${base.root},upperdir=${inside("changes")},workdir=${inside("scratch")}`;
  await execute(["mount", "-t", "overlay", "overlay", "-o", options, inside("root")]);
  return { folder: inside("root"), remove: () => removeWork(work) };
}

function removeWork(work: string): void {
  if (!existsSync(work)) return;
  spawnSync("umount", ["--lazy", join(work, "root")], { stdio: "ignore" });
  rmSync(work, { recursive: true, force: true });
}

function sweep(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(PREFIX))) {
    const pid = name.slice(PREFIX.length).split("-", 1)[0] ?? "";
    if (!existsSync(`/proc/${pid}`)) removeWork(join(tmpdir(), name));
  }
}

async function slow(command: readonly string[]): Promise<void> {
  await execute(["nice", "-n", "10", ...command], { deadlineMs: 540_000 });
}
