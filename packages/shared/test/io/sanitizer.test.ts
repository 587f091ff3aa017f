import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRoot } from "../../../../test/support/netns.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const native = here("../../native");
/** Of the running node, or of the system. */
const headers = [join(dirname(dirname(process.execPath)), "include/node"), "/usr/include/node"].find(existsSync);
const runtime = spawnSync("g++", ["-print-file-name=libasan.so"], { encoding: "utf8" }).stdout?.trim() ?? "";
const missing = headers === undefined ? "node's headers" : existsSync(runtime) ? "" : "g++ with libasan";

describe.skipIf(missing !== "")(`AddressSanitizer and UBSan${missing && ` (skipped: needs ${missing})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "wanbond-asan-"));
  const addon = join(folder, "wanbond.node");
  beforeAll(() => {
    const sources = readdirSync(native).filter((name) => name.endsWith(".cc"));
    const flags =
      "-std=c++17 -O1 -g -fPIC -shared -fsanitize=address,undefined -fno-sanitize-recover=undefined -DNAPI_VERSION=8";
    execFileSync("g++", [
      ...flags.split(" "),
      `-I${headers}`,
      "-o",
      addon,
      ...sources.map((name) => join(native, name)),
    ]);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it("find nothing while the addon is used rightly and wrongly", () => {
    const command = ["--import", "tsx", here("sanitizer-main.ts")];
    const [program, ...parameters] = isRoot() ? ["unshare", "-n", process.execPath] : [process.execPath];
    const run = spawnSync(program ?? "", [...parameters, ...command], {
      encoding: "utf8",
      timeout: 100_000,
      env: {
        ...process.env,
        WANBOND_NATIVE: addon,
        LD_PRELOAD: runtime,
        ASAN_OPTIONS: "detect_leaks=0:abort_on_error=0:exitcode=99",
        UBSAN_OPTIONS: "print_stacktrace=1",
      },
    });
    expect({ status: run.status, errors: run.stderr }).toEqual({ status: 0, errors: "" });
    expect(run.stdout).toContain("done");
  }, 120_000);
});
