import { execFileSync } from "node:child_process";
import { EX_OSERR, WanbondError } from "../errors.ts";
import { type ServiceRole, unitName } from "./service-unit.ts";
import { isSystemdRunning } from "./services.ts";

/** Longer than the units' own limits for starting and stopping. */
const TIMEOUT_MS = 60_000;

/** What stands between a new configuration and a running program. */
export type ServiceStart = "started" | "not-installed" | "no-systemd";

/** Starts the service with its new configuration, now and with the system, if it is installed. @throws WanbondError when systemd fails to */
export function startService(role: ServiceRole): ServiceStart {
  if (!isSystemdRunning()) return "no-systemd";
  const unit = unitName(role);
  if (!succeeds("cat", unit)) return "not-installed";
  if (succeeds("enable", unit) && succeeds("restart", unit)) return "started";
  const sentence = `systemd could not start ${unit}. Its log says why: journalctl -u ${unit} -n 20`;
  throw new WanbondError("WB_SERVICE", EX_OSERR, sentence);
}

function succeeds(verb: string, unit: string): boolean {
  try {
    execFileSync("systemctl", ["--quiet", verb, unit], { stdio: "ignore", timeout: TIMEOUT_MS });
    return true;
  } catch {
    return false; // the caller says what that means
  }
}
