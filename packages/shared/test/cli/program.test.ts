import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { EX_UNAVAILABLE, WanbondError } from "../../src/errors.ts";
import {
  clientToml,
  OTHER_PUBLIC_KEY,
  PRIVATE_KEY,
  PUBLIC_KEY,
  temporaryFolder,
  writeText,
} from "../config/support.ts";
import { recordingShell } from "./support.ts";

describe("keys", () => {
  it("pubkey gives the public key of what keygen printed", async () => {
    const first = recordingShell();
    expect(await runCli(["keygen"], first)).toBe(0);
    expect(first.written.out).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    const second = recordingShell({ readInput: async () => first.written.out });
    expect(await runCli(["pubkey"], second)).toBe(0);
    expect(second.written.out).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(second.written.out).not.toBe(first.written.out);
  });

  it("pubkey agrees with RFC 7748 section 6.1", async () => {
    const shell = recordingShell({ readInput: async () => `  ${PRIVATE_KEY}\r\n` });
    await runCli(["pubkey"], shell);
    expect(shell.written.out).toBe(`${PUBLIC_KEY}\n`);
  });

  it("pubkey refuses what is no key", async () => {
    const shell = recordingShell({ readInput: async () => "hello\n" });
    expect(await runCli(["pubkey"], shell)).toBe(78);
    expect(shell.written).toEqual({ out: "", error: expect.stringContaining("is not a key") });
  });
});

describe("check", () => {
  it("says OK in one line", async () => {
    const folder = temporaryFolder();
    writeText(folder, "client.key", PRIVATE_KEY);
    const file = writeText(folder, "c.toml", clientToml().replace(PUBLIC_KEY, OTHER_PUBLIC_KEY));
    const shell = recordingShell();
    expect(await runCli(["check", "--config", file], shell)).toBe(0);
    expect(shell.written.out).toBe(`${file}: OK, routed client wb0, 1 uplink (isp1), 1 concentrator endpoint(s)\n`);
  });

  it("lists every fault and ends with 78", async () => {
    const file = writeText(
      temporaryFolder(),
      "c.toml",
      clientToml({ client: "tap = 1\nmtu = 1\nlann = []", tail: "" }),
    );
    const shell = recordingShell();
    expect(await runCli(["check", "--config", file], shell)).toBe(78);
    const lines = shell.written.error.trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    for (const key of ["uplink", "client.privateKeyFile", "client.tap", "client.mtu", "client.lann"]) {
      expect(lines.some((line) => line.startsWith(`${file}:`) && line.includes(` ${key} `))).toBe(true);
    }
  });

  it("gives the faults to scripts as JSON", async () => {
    const file = writeText(temporaryFolder(), "c.toml", clientToml({ client: "mtu = 1", tail: "" }));
    const shell = recordingShell();
    expect(await runCli(["check", "--json", "--config", file], shell)).toBe(78);
    const answer = JSON.parse(shell.written.out);
    expect(answer).toMatchObject({ ok: false, file });
    expect(answer.faults).toContainEqual({
      key: "client.mtu",
      place: "3:1",
      problem: expect.any(String),
      remedy: expect.any(String),
    });
  });

  it.each([
    ["a missing file", "no-such-file.toml", "ENOENT"],
    ["a folder", ".", "EISDIR"],
  ])("refuses %s", async (_what, file, word) => {
    const shell = recordingShell();
    expect(await runCli(["check", "--config", file], shell)).toBe(78);
    expect(shell.written.error).toContain(word);
  });

  it("shows where the TOML is broken", async () => {
    const file = writeText(temporaryFolder(), "c.toml", '[client]\ntap = "wb0\n');
    const shell = recordingShell();
    expect(await runCli(["check", "--config", file], shell)).toBe(78);
    expect(shell.written.error).toMatch(/c\.toml:2:\d+: is not TOML/);
  });
});

describe("run", () => {
  it.each([
    [["client", "run", "--config", "a.toml"], "client a.toml"],
    [["concentrator", "run", "--pretty", "--config=b.toml"], "concentrator b.toml pretty"],
  ])("%j", async (args, ran) => {
    const shell = recordingShell();
    expect(await runCli(args, shell)).toBe(0);
    expect(shell.ran).toEqual([ran]);
    expect(shell.written).toEqual({ out: "", error: "" });
  });

  it("ends with the status of an operator's fault and its sentence alone", async () => {
    const shell = recordingShell({
      runClient: async () => {
        throw new WanbondError("WB_NO_TUN", EX_UNAVAILABLE, "There is no /dev/net/tun.");
      },
    });
    expect(await runCli(["client", "run", "--config", "a"], shell)).toBe(69);
    expect(shell.written).toEqual({ out: "", error: "There is no /dev/net/tun.\n" });
  });

  it("ends with 70 and the stack when the fault is ours", async () => {
    const shell = recordingShell({
      runClient: async () => {
        throw new TypeError("x is undefined");
      },
    });
    expect(await runCli(["client", "run", "--config", "a"], shell)).toBe(70);
    expect(shell.written.error).toMatch(/TypeError: x is undefined\n\s+at /);
  });
});

describe("the command line", () => {
  it.each([
    [["--help"], "wanbond status"],
    [["client", "run", "--help"], "--config"],
    [["check", "-h"], "Examples:"],
    [["--version"], "0."],
    [["completion"], "_wanbond_yargs_completions"],
  ])("%j prints to standard output", async (args, text) => {
    const shell = recordingShell();
    expect(await runCli(args, shell)).toBe(0);
    expect(shell.written.out).toContain(text);
    expect(shell.written.error).toBe("");
  });

  it.each(["keygen", "pubkey", "client run", "concentrator run", "check", "status", "events", "why"])(
    "has help with an example for %s",
    async (command) => {
      const shell = recordingShell();
      expect(await runCli([...command.split(" "), "--help"], shell)).toBe(0);
      expect(shell.written.out).toContain("Examples:");
    },
  );

  it("takes the last of an option that is given twice", async () => {
    const shell = recordingShell();
    await runCli(["client", "run", "--config", "a", "--config", "b"], shell);
    expect(shell.ran).toEqual(["client b"]);
  });

  it.each([
    [[], "Name a command"],
    [["client"], "run"],
    [["staus"], 'Did you mean "status"?'],
    [["client", "rum"], 'Did you mean "run"?'],
    [["status", "--jsn"], 'Did you mean "--json"?'],
    [["check", "--confg", "x"], 'Did you mean "--config"?'],
    [["check"], "config"],
    [["check", "--config"], "config"],
    [["keygen", "extra"], "extra"],
    [["events", "--last", "many"], "1 to 1000"],
    [["why"], "Not enough"],
    [["why", "isp1", "--last", "0"], "1 to 60"],
    [["wy", "isp1"], 'Did you mean "why"?'],
  ])("%j is refused with 64 and runs nothing", async (args, text) => {
    const shell = recordingShell();
    expect(await runCli(args, shell)).toBe(64);
    expect(shell.written).toEqual({ out: "", error: expect.stringContaining(text) });
    expect(shell.ran).toEqual([]);
  });
});
