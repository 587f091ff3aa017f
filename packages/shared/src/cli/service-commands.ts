import { existsSync, readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Argv } from "yargs";
import { checkConfigFile } from "../config/index.ts";
import { EX_CONFIG, WanbondError } from "../errors.ts";
import {
  installService,
  type ProgramPlace,
  removeService,
  renderUnit,
  requireSystemd,
  SERVICE_ROLES,
  type ServiceReport,
  type ServiceRole,
} from "../system/index.ts";
import type { Shell } from "./shell.ts";

/** The units: beside the bundle, or where a checkout has them. */
const TEMPLATES = ["./systemd/", "../../../../deploy/systemd/"];

/** `wanbond service …`: the programs as services of systemd. */
export function serviceCommands(parser: Argv, shell: Shell): Argv {
  return parser.command("service", "Run as a service of systemd, from the start of the system", (command) =>
    command
      .demandCommand(1, "Name what to do with the service: install or remove.")
      .command(
        "install [role]",
        "Enable and start the service; a second time changes nothing",
        (install) =>
          withRole(install)
            .option("print", { type: "boolean", default: false, describe: "Only print the unit" })
            .example("wanbond service install client", "Needs /etc/wanbond/client.toml"),
        ({ role, print }) => (print ? printUnits(shell, rolesOf(role)) : install(shell, role)),
      )
      .command(
        "remove [role]",
        "Stop and disable the service; configuration and keys stay",
        (command) => withRole(command).example("wanbond service remove", "Both roles, as far as they are there"),
        ({ role }) => remove(shell, role === undefined ? SERVICE_ROLES : [role]),
      ),
  );
}

function withRole(parser: Argv) {
  return parser.positional("role", { choices: SERVICE_ROLES, describe: "Default: whose files are in /etc/wanbond" });
}

/** Those that are configured, when none is named. @throws WanbondError when there is none. */
function rolesOf(role: ServiceRole | undefined): readonly ServiceRole[] {
  if (role !== undefined) return [role];
  const roles = SERVICE_ROLES.filter((each) => existsSync(configFile(each)));
  if (roles.length > 0) return roles;
  const sentence = `There is neither ${SERVICE_ROLES.map(configFile).join(" nor ")}. Make one: wanbond concentrator init, or wanbond client join CODE.`;
  throw new WanbondError("WB_SERVICE_CONFIG", EX_CONFIG, sentence);
}

function configFile(role: ServiceRole): string {
  return `/etc/wanbond/${role}.toml`;
}

/** Every fault of the files is told before anything is touched. */
function install(shell: Shell, role: ServiceRole | undefined): void {
  requireSystemd();
  const roles = rolesOf(role);
  for (const each of roles) checkConfigFile(configFile(each));
  report(
    shell,
    roles.flatMap((each) => installService(each, template(each), ownPlace())),
  );
}

async function remove(shell: Shell, roles: readonly ServiceRole[]): Promise<void> {
  const reports: string[] = [];
  for (const role of roles) reports.push(...(await removeService(role)));
  report(shell, reports);
}

function report(shell: Shell, sentences: ServiceReport): void {
  shell.out(sentences.length === 0 ? "Everything is so already.\n" : sentences.map((each) => `${each}\n`).join(""));
}

function printUnits(shell: Shell, roles: readonly ServiceRole[]): void {
  shell.out(roles.map((role) => renderUnit(template(role), ownPlace())).join("\n"));
}

function template(role: ServiceRole): string {
  const name = `wanbond-${role}.service`;
  const urls = TEMPLATES.map((folder) => new URL(folder + name, import.meta.url));
  const found = urls.find((url) => existsSync(url)) ?? urls[0];
  return readFileSync(found ?? name, "utf8");
}

function ownPlace(): ProgramPlace {
  return { node: process.execPath, script: realpathSync(process.argv[1] ?? fileURLToPath(import.meta.url)) };
}
