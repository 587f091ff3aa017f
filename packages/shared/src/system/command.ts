import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { EX_NOPERM, EX_OSERR, EX_UNAVAILABLE, WanbondError } from "../errors.ts";

/** The programs this folder runs, and the Debian package of each. */
const PACKAGES = { ip: "iproute2", nft: "nftables" } as const;
export type Program = keyof typeof PACKAGES;

/** A full dump of the rules of a busy firewall has megabytes. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** A hung program must not hold a start or a stop for ever. */
const TIMEOUT_MS = 20_000;

/** Reaches one network namespace: by programs, and by the files below /proc/sys. */
export interface Runner {
  /** @returns standard output. @throws CommandError */
  run(program: Program, args: readonly string[], input?: string): Promise<string>;
  /** @param path below /proc/sys, as in net/ipv4/ip_forward. @returns null when there is no such setting. */
  readSetting(path: string): Promise<string | null>;
  /** @throws CommandError */
  writeSetting(path: string, value: string): Promise<void>;
}

/** A program that ended with a fault. */
export class CommandError extends WanbondError {
  override readonly name = "CommandError";
  /** What the program said. */
  readonly stderr: string;

  constructor(code: string, exitCode: number, message: string, stderr: string) {
    super(code, exitCode, message);
    this.stderr = stderr;
  }

  /** The thing that was to be removed or changed is not there any more. */
  get isGone(): boolean {
    return /No such (file|process|device)|Cannot find device|does not exist|not found|Cannot assign requested/.test(
      this.stderr,
    );
  }

  /** The thing that was to be added is there already. */
  get isThere(): boolean {
    return /File exists|already assigned/.test(this.stderr);
  }
}

/** @param options.netns name of a network namespace (ip netns) to act in; without it, the one of this process. */
export function createRunner(options: { readonly netns?: string } = {}): Runner {
  const { netns } = options;
  return netns === undefined ? localRunner() : namespaceRunner(netns);
}

/** Runs ip with JSON output and parses it; numbers instead of names for tables and protocols. */
export async function ipJson(runner: Runner, args: readonly string[]): Promise<unknown> {
  const text = await runner.run("ip", ["-N", "-j", "-d", ...args]);
  return text.trim() === "" ? [] : JSON.parse(text);
}

function localRunner(): Runner {
  return {
    run: (program, args, input) => execute(program, args, input),
    readSetting: async (path) => {
      try {
        return (await readFile(`/proc/sys/${path}`, "utf8")).trim();
      } catch {
        return null; // no such device or no such protocol in this kernel: the callers take it as "nothing to do"
      }
    },
    writeSetting: async (path, value) => {
      try {
        await writeFile(`/proc/sys/${path}`, value);
      } catch (error) {
        throw commandError(`writing ${value} to /proc/sys/${path}`, String(error));
      }
    },
  };
}

function namespaceRunner(netns: string): Runner {
  const inside = (program: string, args: readonly string[], input?: string) =>
    execute("ip", ["netns", "exec", netns, program, ...args], input);
  return {
    run: inside,
    readSetting: async (path) => {
      try {
        return (await inside("cat", [`/proc/sys/${path}`])).trim();
      } catch {
        return null; // as in localRunner
      }
    },
    writeSetting: async (path, value) => {
      await inside("tee", [`/proc/sys/${path}`], value);
    },
  };
}

function execute(program: Program, args: readonly string[], input = ""): Promise<string> {
  // In the C locale, because we read the messages; with sbin, because the PATH of a plain user lacks it.
  const env = { ...process.env, LC_ALL: "C", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin` };
  const options = { env, maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS };
  return new Promise((resolve, reject) => {
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === "ENOENT") reject(missingProgram(program));
      else reject(commandError(`${program} ${args.join(" ")}`, stderr.trim() || error.message));
    });
    child.stdin?.on("error", () => {}); // it ended before it read its input: its exit status says why
    child.stdin?.end(input);
  });
}

/** The fault that a program is not installed. */
export function missingProgram(program: Program): WanbondError {
  const sentence = `The program ${program} was not found. Install it: apt install ${PACKAGES[program]}`;
  return new WanbondError("WB_NO_PROGRAM", EX_UNAVAILABLE, sentence);
}

function commandError(what: string, stderr: string): CommandError {
  if (/IPv6 is disabled|RTNETLINK answers: Permission denied/.test(stderr)) {
    const sentence = `"${what}" failed: IPv6 is switched off there. Switch it on (sysctl net.ipv6.conf.DEVICE.disable_ipv6=0), or use no IPv6 addresses.`;
    return new CommandError("WB_NO_IPV6", EX_UNAVAILABLE, sentence, stderr);
  }
  if (/not permitted|EPERM|EACCES|Permission denied/.test(stderr)) {
    const sentence = `The kernel refused "${what}". Run wanbond as root, or give it the capability CAP_NET_ADMIN.`;
    return new CommandError("WB_NOT_PERMITTED", EX_NOPERM, sentence, stderr);
  }
  const said = stderr.split("\n", 1)[0] ?? "";
  return new CommandError("WB_COMMAND", EX_OSERR, `"${what}" failed: ${said}`, stderr);
}
