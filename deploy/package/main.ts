/**
 * `npm run package`: what is installed on other machines, into dist-packages/: a Debian package per architecture, an
 * archive with its own node, the Docker image where a daemon answers, and install.sh.
 */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ARCHITECTURES, type Architecture, ownArchitecture } from "./architectures.ts";
import { makeDeb } from "./deb.ts";
import { makeImage } from "./image.ts";
import { bundleProgram } from "./program.ts";
import { makeTarball } from "./tarball.ts";
import { has, inCheckout, run } from "./tools.ts";

const HELP = `npm run package -- [--arch LIST] [--format LIST] [--version VERSION] [--out DIR]

  --arch     amd64, arm64, armhf or all, with commas; default: this machine's
  --format   deb, tar, docker, with commas; default: all three
  --version  default: that of package.json
  --out      default: dist-packages`;

const FORMATS = ["deb", "tar", "docker"];

const { values } = parseArgs({
  options: {
    arch: { type: "string" },
    format: { type: "string", default: FORMATS.join(",") },
    version: { type: "string" },
    out: { type: "string", default: inCheckout("dist-packages") },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** Seconds of the last commit: the same sources make the same packages. */
function modificationTime(): string {
  try {
    return run(["git", "-C", inCheckout("."), "log", "-1", "--format=%ct"]).trim();
  } catch {
    return String(Math.floor(statSync(inCheckout("package.json")).mtimeMs / 1000)); // an archive of the sources
  }
}

function chosenArchitectures(list: string | undefined): readonly Architecture[] {
  const own = ownArchitecture();
  if (list === "all") return ARCHITECTURES;
  const names = list === undefined ? (own === undefined ? [] : [own.debian]) : list.split(",");
  const unknown = names.filter((name) => !ARCHITECTURES.some(({ debian }) => debian === name));
  if (unknown.length > 0 || names.length === 0) throw new Error(`No such architecture: ${unknown.join(", ")}\n${HELP}`);
  return ARCHITECTURES.filter(({ debian }) => names.includes(debian));
}

function tell(file: string | null, otherwise: string): void {
  if (file === null) console.log(`  ${otherwise}`);
  else console.log(`  ${(statSync(file).size / 1e6).toFixed(1).padStart(6)} MB  ${basename(file)}`);
}

/** Where no image can be made, only who asked for nothing else is told by a failure. */
function tellImage(version: string, isAllThatIsWanted: boolean): void {
  try {
    console.log(`             ${makeImage(version)}, a Docker image`);
  } catch (error) {
    if (isAllThatIsWanted) throw error;
    console.log(
      `  no Docker image: ${error instanceof Error ? error.message.split("\n", 2).join(" ") : String(error)}`,
    );
  }
}

/** Of all packages in the folder, for whoever fetches them: install.sh looks at it. */
function writeChecksums(folder: string): void {
  const names = readdirSync(folder).filter((name) => /^wanbond.*\.(deb|tar\.gz)$/.test(name));
  const lines = names.map((name) => {
    return `${createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex")}  ${name}\n`;
  });
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

async function makeAll(): Promise<void> {
  const architectures = chosenArchitectures(values.arch);
  const formats = values.format.split(",");
  const unknown = formats.filter((format) => !FORMATS.includes(format));
  if (unknown.length > 0) throw new Error(`No such format: ${unknown.join(", ")}\n${HELP}`);
  const version = values.version ?? JSON.parse(readFileSync(inCheckout("package.json"), "utf8")).version;
  const folder = resolve(values.out);
  const modified = modificationTime();
  process.env["SOURCE_DATE_EPOCH"] = modified; // dpkg-deb takes no file to be younger
  const work = mkdtempSync(join(tmpdir(), "wanbond-package-"));
  try {
    mkdirSync(folder, { recursive: true });
    cpSync(inCheckout("deploy/install.sh"), join(folder, "install.sh"));
    const program = await bundleProgram(join(work, "program"), version);
    console.log(`wanbond ${version}, in ${folder}:`);
    for (const architecture of architectures) {
      if (formats.includes("deb")) tell(makeDeb(program, architecture, { version, folder, work }), "");
      if (!formats.includes("tar")) continue;
      const archive = makeTarball(program, architecture, { version, folder, work, modified });
      tell(archive, `no archive for ${architecture.debian}: node publishes no current one for it`);
    }
    writeChecksums(folder);
    if (formats.includes("docker")) tellImage(version, formats.length === 1);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (values.help) console.log(HELP);
else if (!has("dpkg-deb")) throw new Error("dpkg-deb is missing. Install it: apt install dpkg");
else await makeAll();
