import type { EventLog } from "../control/index.ts";
import type { ReconcileReport } from "../system/index.ts";

/** One look at the system, which makes it be as wanted; the log hears what others had changed, and what failed. Never throws. */
export async function reconcileAndLog(log: EventLog, look: () => Promise<ReconcileReport>): Promise<void> {
  try {
    const { healed, failed } = await look();
    if (healed.length > 0) log.warn({ event: "healed", changes: healed }, "mended what was changed by others");
    for (const { key, problem } of failed) {
      log.error({ event: "change-failed", change: key, problem }, "a change of the system failed; tried again");
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    log.error({ event: "reconcile-failed", problem }, "the system could not be looked at; tried again");
  }
}
