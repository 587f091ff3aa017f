import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { recordingShell } from "./support.ts";

const hasSystemd = existsSync("/run/systemd/system");

describe("service", () => {
  it("prints the unit of either role, for this place of the program", async () => {
    for (const role of ["client", "concentrator"]) {
      const shell = recordingShell();
      expect(await runCli(["service", "install", role, "--print"], shell)).toBe(0);
      expect(shell.written.out).toContain(`ExecStart=${process.execPath} `);
      expect(shell.written.out).toContain(` ${role} run --config /etc/wanbond/${role}.toml\n`);
    }
  });

  it.skipIf(hasSystemd).each(["install client", "remove", "install"])(
    "%s says what to do where systemd does not run",
    async (command) => {
      const shell = recordingShell();
      expect(await runCli(["service", ...command.split(" ")], shell)).toBe(69);
      expect(shell.written.error).toMatch(/systemd does not run here\. .*wanbond client run --config FILE/);
    },
  );

  it("knows no other role and no other deed", async () => {
    for (const words of [["install", "router"], ["start"], []]) {
      expect(await runCli(["service", ...words], recordingShell())).toBe(64);
    }
  });
});
