import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const entry = fileURLToPath(new URL("../../src/cli/wanbond.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wanbond-cli-"));
const program = join(folder, "wanbond.mjs");

/** The command line in a process of its own, bundled as it is shipped but without the two ends. */
beforeAll(async () => {
  await build({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    external: ["@wanbond/client", "@wanbond/concentrator"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function shell(script: string) {
  return spawnSync("bash", ["-o", "pipefail", "-c", script], {
    encoding: "utf8",
    cwd: folder,
    env: { ...process.env, wanbond: `${process.execPath} ${program}` },
  });
}

describe("the wanbond program", () => {
  it("makes a key that its other half reads from a pipe", () => {
    const { stdout, stderr, status } = shell("$wanbond keygen | tee private | $wanbond pubkey; cat private");
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const [publicKey, privateKey] = stdout.split("\n");
    expect(publicKey).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(privateKey).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(publicKey).not.toBe(privateKey);
  });

  it("ends with the exit statuses of sysexits.h", () => {
    expect(shell("$wanbond staus").status).toBe(64);
    expect(shell("$wanbond check --config missing.toml").status).toBe(78);
    expect(shell("$wanbond status --socket missing.sock").status).toBe(69);
  });

  it("keeps quiet when its reader has seen enough", () => {
    const { stderr, stdout, status } = shell("$wanbond --help | head -n 1");
    expect({ stderr, stdout, status }).toEqual({ stderr: "", stdout: "wanbond COMMAND\n", status: 0 });
    expect(shell("$wanbond completion | true").stderr).toBe("");
  });

  it("is one file that knows its version and completes its commands", () => {
    expect(shell("$wanbond --version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(shell("$wanbond --get-yargs-completions wanbond sta").stdout).toContain("status");
  });
});
