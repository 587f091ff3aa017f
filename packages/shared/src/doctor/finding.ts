/** ok: as it should be. note: worth knowing. warning: works worse than it could. fault: does not work. */
export const SEVERITIES = ["ok", "note", "warning", "fault"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One thing that was looked at. */
export interface Finding {
  /** Stable name of the check, for scripts. */
  readonly check: string;
  /** Name of an uplink; null: it is about this host, or all. */
  readonly uplink: string | null;
  readonly severity: Severity;
  /** A sentence, with the numbers. */
  readonly found: string;
  /** What mends it: a sentence or a command. null: there is nothing to mend. */
  readonly mend: string | null;
}

/** Makes the findings of one check about one uplink. */
export function about(check: string, uplink: string | null) {
  const make =
    (severity: Severity) =>
    (found: string, mend: string | null = null): Finding => ({ check, uplink, severity, found, mend });
  return { ok: make("ok"), note: make("note"), warning: make("warning"), fault: make("fault") };
}
