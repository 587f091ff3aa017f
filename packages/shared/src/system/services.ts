import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EX_NOPERM, EX_OSERR, EX_UNAVAILABLE, WanbondError } from "../errors.ts";
import { replaceFile } from "./atomic-file.ts";
import { takeBackLeftovers } from "./leftovers.ts";
import {
  type ProgramPlace,
  renderUnit,
  requireVisible,
  type ServiceRole,
  UNIT_MARK,
  unitName,
} from "./service-unit.ts";

/** The operator's units, and ours where no package brought any. */
const OWN_UNITS = "/etc/systemd/system";
/** Where the packages put theirs. */
const PACKAGED_UNITS = ["/usr/lib/systemd/system", "/lib/systemd/system"];
const PACKAGED_SCRIPT = "/usr/lib/wanbond/wanbond.js";
const RUNTIME_DIRECTORY = "/run/wanbond";
/** Longer than the units' own limits for starting and stopping. */
const TIMEOUT_MS = 60_000;

/** What installing or removing a service found to do, as sentences; none when everything was as wanted. */
export type ServiceReport = readonly string[];

/** Whether systemd is the manager here (sd_booted(3)). */
export function isSystemdRunning(): boolean {
  return existsSync("/run/systemd/system");
}

/**
 * Makes the unit if no package brought one, enables it and starts it. A second time changes nothing.
 *
 * @param template the unit in deploy/systemd. @throws WanbondError when systemd is not here or does not do it.
 */
export function installService(role: ServiceRole, template: string, place: ProgramPlace): ServiceReport {
  requireSystemd();
  const unit = unitName(role);
  const report: string[] = [];
  const isNew = writeUnit(role, template, place, report);
  if (isNew) systemctl("daemon-reload");
  if (!answers("is-enabled", unit)) {
    systemctl("enable", unit);
    report.push(`${unit}: starts with the system from now on`);
  }
  const wasActive = answers("is-active", unit);
  if (!wasActive || isNew) {
    systemctl(wasActive ? "restart" : "start", unit);
    report.push(`${unit}: ${wasActive ? "started again" : "started"}`);
  }
  return report;
}

/**
 * Stops and disables it, takes back what a killed program or its kill switch left, and removes a unit of our making.
 * @throws WanbondError as installService.
 */
export async function removeService(role: ServiceRole): Promise<ServiceReport> {
  requireSystemd();
  const unit = unitName(role);
  const report: string[] = [];
  if (answers("is-active", unit) || answers("is-failed", unit)) {
    systemctl("stop", unit);
    if (answers("is-failed", unit)) systemctl("reset-failed", unit);
    report.push(`${unit}: stopped`);
  }
  if (answers("is-enabled", unit)) {
    systemctl("disable", unit);
    report.push(`${unit}: does not start with the system any more`);
  }
  const file = join(OWN_UNITS, unit);
  if (isOurs(file)) {
    rmSync(file);
    systemctl("daemon-reload");
    report.push(`${file}: removed`);
  }
  for (const { key, problem } of await takeBackLeftovers(RUNTIME_DIRECTORY, role)) {
    report.push(`left behind, because it could not be taken back: ${key} (${problem})`);
  }
  return report;
}

/** @returns whether the unit is another one than before. */
function writeUnit(role: ServiceRole, template: string, place: ProgramPlace, report: string[]): boolean {
  const file = join(OWN_UNITS, unitName(role));
  if (existsSync(file) && !isOurs(file)) {
    report.push(`${file}: left as it is, it is not of wanbond's making`);
    return false;
  }
  const packaged = PACKAGED_UNITS.some((folder) => existsSync(join(folder, unitName(role))));
  if (packaged && place.script === PACKAGED_SCRIPT) return false;
  requireVisible(place);
  const text = renderUnit(template, place);
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  replaceFile(file, text);
  chmodSync(file, 0o644); // systemd's own wish: there is no secret in it
  report.push(`${file}: written`);
  return true;
}

function isOurs(file: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8").startsWith(UNIT_MARK);
}

/** @throws WanbondError when systemd is not the manager here, or would not listen to this user. */
export function requireSystemd(): void {
  if (!isSystemdRunning()) {
    const sentence =
      "systemd does not run here. Let your service manager run `wanbond client run --config FILE` (or concentrator) in the foreground; `wanbond service install ROLE --print` shows what systemd would be told.";
    throw new WanbondError("WB_NO_SYSTEMD", EX_UNAVAILABLE, sentence);
  }
  if (process.getuid?.() === 0) return;
  throw new WanbondError("WB_NOT_PERMITTED", EX_NOPERM, "Services are installed and removed by root. Use sudo.");
}

/** Whether systemctl says yes to a question such as is-active. */
function answers(question: string, unit: string): boolean {
  try {
    execFileSync("systemctl", ["--quiet", question, unit], { stdio: "ignore", timeout: TIMEOUT_MS });
    return true;
  } catch {
    return false; // its way of saying no
  }
}

function systemctl(...parameters: readonly string[]): void {
  try {
    execFileSync("systemctl", ["--quiet", ...parameters], { stdio: ["ignore", "ignore", "pipe"], timeout: TIMEOUT_MS });
  } catch (error) {
    const unit = parameters[1];
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim().split("\n", 1)[0] : "";
    const look = unit === undefined ? "" : ` See: journalctl -u ${unit} -n 20`;
    throw new WanbondError("WB_SERVICE", EX_OSERR, `systemctl ${parameters.join(" ")} failed: ${said}${look}`);
  }
}
