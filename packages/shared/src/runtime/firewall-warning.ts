import type { EventLog } from "../control/index.ts";
import { CommandError, findForwardObstacles, type Runner } from "../system/index.ts";

/** Says which rules of other programs would drop what the tunnel forwards: no table of ours can overrule them. */
export async function warnOfFirewalls(log: EventLog, runner: Runner, tap: string): Promise<void> {
  try {
    for (const obstacle of await findForwardObstacles(runner, tap)) {
      log.warn({ event: "firewall-drops", ...obstacle }, "another firewall table drops what is forwarded");
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    log.debug({ event: "firewall-unknown", problem: error.message }, "the firewall could not be looked at");
  }
}
