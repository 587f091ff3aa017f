/** Exit statuses of sysexits.h that the programs use. */
export const EX_USAGE = 64;
export const EX_DATAERR = 65;
export const EX_UNAVAILABLE = 69;
export const EX_OSERR = 71;
export const EX_CANTCREAT = 73;
export const EX_TEMPFAIL = 75;
export const EX_NOPERM = 77;
export const EX_CONFIG = 78;

/**
 * The operator's fault, or the system's: thrown only at start or reload, shown as its message alone.
 * The message is a sentence that says what is wrong and what to do about it.
 */
export class WanbondError extends Error {
  override readonly name: string = "WanbondError";
  /** Stable, in the manner of WB_NO_TUN; listed in docs/troubleshooting.md. */
  readonly code: string;
  /** From sysexits.h. */
  readonly exitCode: number;

  constructor(code: string, exitCode: number, message: string) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}
