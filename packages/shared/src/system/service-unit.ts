import { EX_UNAVAILABLE, WanbondError } from "../errors.ts";

/** Which end a service runs. */
export type ServiceRole = "client" | "concentrator";
export const SERVICE_ROLES: readonly ServiceRole[] = ["client", "concentrator"];

/** Where the packages put the command; the units in deploy/systemd name it. */
const PACKAGED_COMMAND = "/usr/bin/wanbond";
/** Folders that the units hide from the service (ProtectHome, PrivateTmp). */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp)\//;
/** First line of units of our own making; units without it belong to somebody else. */
export const UNIT_MARK = "# Made by `wanbond service install`, removed by `wanbond service remove`.";

/** How this command was started. */
export interface ProgramPlace {
  /** node's absolute path. */
  readonly node: string;
  /** Absolute path of the JavaScript file, links followed. */
  readonly script: string;
}

export function unitName(role: ServiceRole): string {
  return `wanbond-${role}.service`;
}

/** The unit of the packages, for a program that lies elsewhere. @param template of deploy/systemd. */
export function renderUnit(template: string, { node, script }: ProgramPlace): string {
  const command = [node, script].map(quoted).join(" ");
  return `${UNIT_MARK}\n${template.replace(`ExecStart=${PACKAGED_COMMAND} `, () => `ExecStart=${command} `)}`;
}

/** @throws WanbondError when a service would not find the program, because it may not see homes and temporary folders. */
export function requireVisible({ node, script }: ProgramPlace): void {
  const hidden = [node, script].find((path) => HIDDEN.test(path));
  if (hidden === undefined) return;
  const sentence = `${hidden} lies where services may not look. Install wanbond first: sh deploy/install.sh in a checkout.`;
  throw new WanbondError("WB_SERVICE_PLACE", EX_UNAVAILABLE, sentence);
}

/** As systemd.service(5) has it under "COMMAND LINES". */
function quoted(path: string): string {
  const text = path.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\;]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : text;
}
