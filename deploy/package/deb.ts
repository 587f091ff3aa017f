import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Architecture } from "./architectures.ts";
import { layDocuments, layProgram, type ProgramFiles } from "./program.ts";
import { inCheckout, run } from "./tools.ts";

const SCRIPTS = ["postinst", "prerm", "postrm"];

/** Makes wanbond_VERSION_ARCH.deb in a folder. @param work of our own. @returns its path. */
export function makeDeb(
  program: ProgramFiles,
  architecture: Architecture,
  options: { readonly version: string; readonly folder: string; readonly work: string },
): string {
  const { version, folder, work } = options;
  const root = join(work, `deb-${architecture.debian}`);
  rmSync(root, { recursive: true, force: true });
  layProgram(program, architecture, join(root, "usr/lib/wanbond"));
  layDocuments(program, join(root, "usr/share/doc/wanbond"));
  laySystem(root);
  layControl(root, architecture, version);
  const file = join(folder, `wanbond_${version}_${architecture.debian}.deb`);
  run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, file], { remedy: "Install it: apt install dpkg" });
  return file;
}

/** The command, the units, and what shells and readers look for. */
function laySystem(root: string): void {
  const make = (path: string) => {
    mkdirSync(join(root, path), { recursive: true });
    return join(root, path);
  };
  symlinkSync("../lib/wanbond/wanbond.js", join(make("usr/bin"), "wanbond"));
  cpSync(inCheckout("deploy/systemd"), make("usr/lib/systemd/system"), { recursive: true });
  writeFileSync(join(make("usr/share/man/man8"), "wanbond.8.gz"), zipped("deploy/debian/wanbond.8"));
  const completion = run([process.execPath, join(root, "usr/lib/wanbond/wanbond.js"), "completion"], {
    env: { SHELL: "/bin/bash" },
  });
  writeFileSync(join(make("usr/share/bash-completion/completions"), "wanbond"), completion);
  const documents = make("usr/share/doc/wanbond");
  cpSync(inCheckout("deploy/debian/copyright"), join(documents, "copyright"));
  rmSync(join(documents, "LICENSE")); // its text is in the file copyright, where Debian looks
  rmSync(join(documents, "CHANGELOG.md"));
  writeFileSync(join(documents, "changelog.gz"), zipped("CHANGELOG.md"));
}

function layControl(root: string, architecture: Architecture, version: string): void {
  const folder = join(root, "DEBIAN");
  mkdirSync(folder);
  const template = readFileSync(inCheckout("deploy/debian/control"), "utf8");
  const values: Readonly<Record<string, string>> = {
    VERSION: version,
    ARCHITECTURE: architecture.debian,
    SIZE: String(kibibytes(root)),
  };
  writeFileSync(
    join(folder, "control"),
    template.replaceAll(/@([A-Z]+)@/g, (_, name: string) => values[name] ?? ""),
  );
  for (const script of SCRIPTS) {
    cpSync(inCheckout(`deploy/debian/${script}`), join(folder, script));
    chmodSync(join(folder, script), 0o755);
  }
}

function zipped(path: string): Uint8Array {
  return gzipSync(readFileSync(inCheckout(path)), { level: 9 });
}

/** Debian's Installed-Size. */
function kibibytes(folder: string): number {
  return Number(run(["du", "-k", "-s", "--apparent-size", folder]).split("\t", 1)[0]);
}
