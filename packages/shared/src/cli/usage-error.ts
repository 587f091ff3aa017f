import { closestWord } from "../config/index.ts";
import { EX_USAGE, WanbondError } from "../errors.ts";

const COMMANDS = [
  "keygen",
  "pubkey",
  "client",
  "concentrator",
  "run",
  "init",
  "invite",
  "clients",
  "revoke",
  "join",
  "check",
  "status",
  "events",
  "why",
  "doctor",
  "completion",
  "service",
  "install",
  "remove",
];
const OPTIONS = [
  "--config",
  "--listen",
  "--endpoint",
  "--address",
  "--lan",
  "--tap",
  "--expires",
  "--force",
  "--run",
  "--start",
  "--qr",
  "--pretty",
  "--json",
  "--watch",
  "--socket",
  "--last",
  "--uplink",
  "--no-capacity",
  "--capacity-bytes",
  "--print",
  "--help",
  "--version",
];

/** A command line that cannot be understood, with the word that was probably meant. @param message of yargs. */
export function usageError(message: string, args: readonly string[]): WanbondError {
  const meant = suggestion(message, args);
  const sentence = /[.?!]$/.test(message) ? message : `${message}.`;
  const question = meant === null ? "" : ` Did you mean "${meant}"?`;
  return new WanbondError("WB_USAGE", EX_USAGE, `${sentence}${question} See: wanbond --help`);
}

/** For the first word of the line that is no known one but close to it: an option, or a command that yargs complains of. */
function suggestion(message: string, args: readonly string[]): string | null {
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1]?.split(", ") ?? [];
  for (const word of args.map((argument) => argument.split("=")[0] ?? "")) {
    const known = word.startsWith("--") ? OPTIONS : unknown.includes(word) ? COMMANDS : [];
    const close = known.includes(word) ? null : closestWord(word, known);
    if (close !== null) return close;
  }
  return null;
}
