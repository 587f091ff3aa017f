import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EX_NOPERM, EX_UNAVAILABLE, WanbondError } from "../errors.ts";
import { missingProgram, type Program, type Runner } from "./command.ts";
import { readLinks } from "./kernel-state.ts";

/** Bit of CAP_NET_ADMIN in a capability set (linux/capability.h). */
const CAP_NET_ADMIN = 12n;
const TUN_DEVICE = "/dev/net/tun";

export interface Requirements {
  readonly programs: readonly Program[];
  /** Devices that must be there at the start. */
  readonly devices: readonly string[];
}

/** Looks for everything that a start needs. @returns all faults at once, each a sentence that says what to do. */
export async function findMissingPrerequisites(runner: Runner, wanted: Requirements): Promise<WanbondError[]> {
  const faults = [...capabilityFaults(), ...tunFaults(), ...programFaults(wanted.programs)];
  const hasIp = faults.every(({ code }) => code !== "WB_NO_PROGRAM");
  return hasIp ? [...faults, ...(await deviceFaults(runner, wanted.devices))] : faults;
}

/** @throws WanbondError with one line per fault, and the exit status of the first. */
export async function requirePrerequisites(runner: Runner, wanted: Requirements): Promise<void> {
  const faults = await findMissingPrerequisites(runner, wanted);
  const [first] = faults;
  if (first === undefined) return;
  throw new WanbondError(first.code, first.exitCode, faults.map(({ message }) => message).join("\n"));
}

function capabilityFaults(): WanbondError[] {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  if ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) return [];
  const sentence = "wanbond may not change the network. Run it as root, or give it the capability CAP_NET_ADMIN.";
  return [new WanbondError("WB_NOT_PERMITTED", EX_NOPERM, sentence)];
}

function tunFaults(): WanbondError[] {
  if (isCharacterDevice(TUN_DEVICE)) return [];
  const sentence = `${TUN_DEVICE} is missing. Load the module (modprobe tun), or give it to the container (docker run --device ${TUN_DEVICE}).`;
  return [new WanbondError("WB_NO_TUN", EX_UNAVAILABLE, sentence)];
}

function programFaults(programs: readonly Program[]): WanbondError[] {
  const directories = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`.split(":");
  return programs
    .filter((program) => !directories.some((directory) => isExecutable(join(directory, program))))
    .map(missingProgram);
}

async function deviceFaults(runner: Runner, devices: readonly string[]): Promise<WanbondError[]> {
  if (devices.length === 0) return [];
  const present = (await readLinks(runner)).map(({ name }) => name);
  return devices
    .filter((device) => !present.includes(device))
    .map((device) => {
      const sentence = `There is no device ${device}. Devices of this host: ${present.filter((name) => name !== "lo").join(", ")}.`;
      return new WanbondError("WB_NO_DEVICE", EX_UNAVAILABLE, sentence);
    });
}

function isCharacterDevice(file: string): boolean {
  try {
    return statSync(file).isCharacterDevice();
  } catch {
    return false; // there is none
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not in this directory
  }
}
