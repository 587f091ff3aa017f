import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { WanbondError } from "../../src/errors.ts";
import {
  clientToml,
  OTHER_PUBLIC_KEY,
  PRIVATE_KEY,
  PUBLIC_KEY,
  temporaryFolder,
  writeText,
} from "../config/support.ts";
import { recordingShell } from "./support.ts";

function clientFile(mode = 0o600): string {
  const folder = temporaryFolder();
  writeText(folder, "client.key", PRIVATE_KEY, mode);
  return writeText(folder, "client.toml", clientToml().replace(PUBLIC_KEY, OTHER_PUBLIC_KEY));
}

describe("doctor", () => {
  it("looks at the end that the file is for, with what it was asked for", async () => {
    const shell = recordingShell();
    const file = clientFile();
    const options = ["--uplink", "isp1,lte", "--json", "--capacity-bytes", "500000"];
    expect(await runCli(["doctor", "--config", file, ...options], shell)).toBe(0);
    const asked = { configPath: file, json: true, uplinks: ["isp1", "lte"], capacityBytes: 500_000 };
    expect(shell.ran).toEqual([`doctor client ${JSON.stringify(asked)}`]);
  });

  it("fills no line with --no-capacity", async () => {
    const shell = recordingShell();
    await runCli(["doctor", "--config", clientFile(), "--no-capacity"], shell);
    expect(shell.ran[0]).toContain('"capacityBytes":0');
  });

  it("ends with the status of what it found", async () => {
    const doctorClient = async () => {
      throw new WanbondError("WB_FAULTS_FOUND", 1, "Faults were found: reach of isp1.");
    };
    const shell = recordingShell({ doctorClient });
    expect(await runCli(["doctor", "--config", clientFile()], shell)).toBe(1);
    expect(shell.written.error).toBe("Faults were found: reach of isp1.\n");
  });

  it("reports the faults of a file, in the form that was asked for", async () => {
    const file = clientFile(0o644);
    const text = recordingShell();
    expect(await runCli(["doctor", "--config", file], text)).toBe(1);
    expect(text.written.out).toContain("FAULT    configuration  ");
    expect(text.written.out).toContain("-> Run: chmod 600");
    const json = recordingShell();
    expect(await runCli(["doctor", "--config", file, "--json"], json)).toBe(1);
    expect(JSON.parse(json.written.out)).toMatchObject({ role: null, counts: { fault: 1 }, uplinks: null });
  });

  it.each([
    ["too few bytes", ["--capacity-bytes", "5"], "--capacity-bytes is a number from 100000 to 200000000"],
    ["an unknown option", ["--capacty-bytes", "500000"], 'Did you mean "--capacity-bytes"?'],
  ])("refuses %s", async (_what, options, sentence) => {
    const shell = recordingShell();
    expect(await runCli(["doctor", "--config", clientFile(), ...options], shell)).toBe(64);
    expect(shell.written.error).toContain(sentence);
    expect(shell.ran).toEqual([]);
  });
});
