import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, NODE_VERSION } from "./architectures.ts";
import { layDocuments, layProgram, type ProgramFiles } from "./program.ts";
import { CACHE, has, inCheckout, run } from "./tools.ts";

/** Makes wanbond-VERSION-linux-ARCH.tar.gz in a folder. @returns its path; null where node publishes no current one. */
export function makeTarball(
  program: ProgramFiles,
  architecture: Architecture,
  options: { readonly version: string; readonly folder: string; readonly work: string; readonly modified: string },
): string | null {
  if (architecture.node === null) return null;
  const { version, folder, work } = options;
  const name = `wanbond-${version}-linux-${architecture.debian}`;
  const root = join(work, name);
  rmSync(root, { recursive: true, force: true });
  layProgram(program, architecture, join(root, "lib"));
  layDocuments(program, join(root, "doc"));
  layNode(architecture, root, work);
  mkdirSync(join(root, "bin"));
  cpSync(inCheckout("deploy/package/wanbond.sh"), join(root, "bin/wanbond"));
  chmodSync(join(root, "bin/wanbond"), 0o755);
  const file = join(folder, `${name}.tar.gz`);
  const same = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=@${options.modified}`];
  run(["tar", ...same, "-C", work, "-czf", file, name], { env: { GZIP: "-9" } });
  return file;
}

/** The official node of the registry, stripped, with its licence. */
function layNode(architecture: Architecture, root: string, work: string): void {
  const unpacked = join(work, `node-${architecture.debian}`);
  mkdirSync(unpacked, { recursive: true });
  run(["tar", "-C", unpacked, "-xzf", fetchNode(architecture)]);
  cpSync(join(unpacked, "package/LICENSE"), join(root, "doc/NODE-LICENSE"));
  const node = join(root, "lib/node");
  cpSync(join(unpacked, "package/bin/node"), node);
  chmodSync(node, 0o755);
  const strip = `${architecture.triplet}-strip`;
  if (has(strip)) run([strip, node]);
}

/** @throws Error when what came is not what this version was tested with. */
function fetchNode({ node }: Architecture): string {
  if (node === null) throw new Error("unreachable: asked for where there is none");
  const file = join(CACHE, `${node.name}-${NODE_VERSION}.tgz`);
  if (existsSync(file) && integrityOf(file) === node.integrity) return file;
  const folder = join(CACHE, `fetching-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  run(["npm", "pack", "--silent", "--pack-destination", folder, `${node.name}@${NODE_VERSION}`]);
  const fetched = join(folder, `${node.name}-${NODE_VERSION}.tgz`);
  if (integrityOf(fetched) !== node.integrity) throw new Error(`${node.name}@${NODE_VERSION} is not what it was.`);
  renameSync(fetched, file);
  rmSync(folder, { recursive: true });
  return file;
}

function integrityOf(file: string): string {
  return `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
}
