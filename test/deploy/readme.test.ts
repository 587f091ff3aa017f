import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DebianMachine } from "../support/debian-machine.ts";
import { missingForDebian } from "../support/debian-packages.ts";
import { type DebianSite, leftovers, makePackages, startDebianSite, waitForPort } from "../support/debian-site.ts";
import { monotonicMs } from "../support/script.ts";
import { readSystemState } from "../support/system-state.ts";
import { ADDRESSES } from "../support/topology.ts";

const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
const missing = missingForDebian();

/** The commands that the README has typed on one machine, without their comments. */
function typedOn(machine: string): string[] {
  const block = new RegExp(`<!-- typed on: ${machine} -->\\n+\`\`\`sh\\n([^\`]*)\`\`\``).exec(README)?.[1];
  if (block === undefined) throw new Error(`README.md has no commands for ${machine}`);
  return block.split("\n").flatMap((line) => line.replace(/\s+#.*/, "").trim() || []);
}

describe("the commands of the README", () => {
  it("are ten at most, five for each machine", () => {
    expect(typedOn("vps").length).toBeLessThanOrEqual(5);
    expect(typedOn("router").length).toBeLessThanOrEqual(5);
    expect(["checkout", "vps", "router"].flatMap(typedOn).length).toBeLessThanOrEqual(10);
  });
});

/** Two bare Debian machines, and what the README says, to the letter. */
describe.skipIf(missing !== "")(
  `from two bare machines${missing && ` (skipped: ${missing})`}`,
  { timeout: 240_000 },
  () => {
    let packages: string;
    let site: DebianSite;

    beforeAll(async () => {
      packages = await makePackages("--format", "deb"); // what `npm run package` makes, and scp would carry
      site = await startDebianSite(packages);
    });
    afterAll(async () => {
      await site?.remove();
      rmSync(packages, { recursive: true, force: true });
    });

    /** Types the commands one after another. @returns what all of them said. */
    async function type(machine: DebianMachine, commands: readonly string[]): Promise<string> {
      let said = "";
      for (const command of commands) said += await machine.exec(command);
      return said;
    }

    it("to a page through the bond takes less than three minutes, and back leaves nothing", async () => {
      const { lan, server, router, concentrator } = site.topology;
      const bare = await Promise.all([router, concentrator].map(readSystemState));
      const web = server.spawn(["python3", "-u", "-m", "http.server", "80"], { stdio: ["ignore", "ignore", "pipe"] });
      let visits = "";
      web.stderr?.on("data", (chunk: Buffer) => {
        visits += chunk.toString();
      });
      await waitForPort(server, 80);

      const startMs = monotonicMs();
      const said = await type(site.vps, typedOn("vps"));
      const invite = /^wb1:\S+$/m.exec(said)?.[0] ?? "no invite";
      await type(
        site.router,
        typedOn("router").map((command) => command.replace("wb1:…", invite)),
      );
      const curl = [
        "curl",
        "-sS",
        "--fail",
        "--max-time",
        "5",
        "--retry",
        "20",
        "--retry-all-errors",
        "--retry-delay",
        "1",
      ];
      const page = await lan.exec([...curl, `http://${ADDRESSES.server}/`], { deadlineMs: 60_000 });
      const seconds = (monotonicMs() - startMs) / 1000;
      console.log(`README: from two bare machines to a page through the bond in ${seconds.toFixed(1)} s`);
      expect(page).toContain("Directory listing");
      expect(visits).toContain(`${ADDRESSES.concentrator} - - `); // it came by the concentrator
      expect(seconds).toBeLessThan(180);

      for (const machine of [site.router, site.vps]) {
        await machine.exec("sh wanbond/install.sh --remove --purge");
        expect(await leftovers(machine)).toEqual([]);
      }
      expect(await Promise.all([router, concentrator].map(readSystemState))).toEqual(bare);
    });
  },
);
