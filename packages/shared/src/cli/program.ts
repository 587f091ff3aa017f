import yargs, { type Argv } from "yargs";
import packageJson from "../../package.json" with { type: "json" };
import { WanbondError } from "../errors.ts";
import { check } from "./check.ts";
import { doctorCommands } from "./doctor-commands.ts";
import { keygen, pubkey } from "./keys.ts";
import { clientCommands, concentratorCommands, joinLists } from "./pairing-commands.ts";
import { serviceCommands } from "./service-commands.ts";
import type { Shell } from "./shell.ts";
import { events, status, watchStatus } from "./status.ts";
import { usageError } from "./usage-error.ts";
import { why } from "./why.ts";

/** Our bug: EX_SOFTWARE of sysexits.h. */
const EX_SOFTWARE = 70;

/** Runs one command line. @param args without the names of node and the program. @returns the exit status. */
export async function runCli(args: readonly string[], shell: Shell): Promise<number> {
  try {
    await commands(shell, args).parseAsync(joinLists(args), {}, (_error, _arguments, output) => {
      if (output !== "") shell.out(`${output}\n`); // Help, version, completion.
    });
    return 0;
  } catch (error) {
    if (error instanceof WanbondError) {
      shell.error(`${error.message}\n`);
      return error.exitCode;
    }
    shell.error(`wanbond has a fault, please report it:\n${error instanceof Error ? error.stack : String(error)}\n`);
    return EX_SOFTWARE;
  }
}

function commands(shell: Shell, args: readonly string[]): Argv {
  const parser = yargs()
    .scriptName("wanbond")
    .usage("wanbond COMMAND\n\nBonds several internet lines into one.")
    .locale("en")
    .version(packageJson.version)
    .help()
    .alias("help", "h")
    .wrap(100)
    .strict()
    .demandCommand(1, "Name a command.")
    .completion("completion", "Print a script for the shell's completion: wanbond completion >> ~/.bashrc")
    .parserConfiguration({ "duplicate-arguments-array": false })
    .fail((message, error) => {
      // yargs' own errors are about the command line; others come from a command that ran.
      if (error instanceof Error && error.name !== "YError") throw error;
      throw usageError(message, args);
    });
  const asking = doctorCommands(statusCommands(parser, shell), shell);
  return serviceCommands(keyCommands(programCommands(asking, shell), shell), shell)
    .example("wanbond keygen > client.key", "Make a private key (under umask 077)")
    .example("wanbond check --config client.toml", "Show every fault of a configuration")
    .example("wanbond doctor", "Find what is wrong with this machine and its lines")
    .example("wanbond status --watch", "Watch the bond and its members")
    .epilogue("Exit statuses are those of sysexits.h; docs/troubleshooting.md lists every error.");
}

function keyCommands(parser: Argv, shell: Shell): Argv {
  return parser
    .command(
      "keygen",
      "Print a new private key (also fit as a pre-shared key)",
      (command) => command.example("(umask 077; wanbond keygen > /etc/wanbond/client.key)", "Keep it from others"),
      () => keygen(shell),
    )
    .command(
      "pubkey",
      "Print the public key of the private key on standard input",
      (command) => command.example("wanbond pubkey < /etc/wanbond/client.key", "What the other end's file needs"),
      () => pubkey(shell),
    );
}

function programCommands(parser: Argv, shell: Shell): Argv {
  return parser
    .command("client", "The end at home", (command) =>
      clientCommands(runCommand(command, "client", shell.runClient), shell),
    )
    .command("concentrator", "The end at the provider", (command) =>
      concentratorCommands(runCommand(command, "concentrator", shell.runConcentrator), shell),
    )
    .command(
      "check",
      "Check a configuration file: all faults at once, exit status 78",
      (command) =>
        withConfig(command)
          .option("json", { type: "boolean", default: false, describe: "Print the faults as JSON" })
          .example("wanbond check --config /etc/wanbond/client.toml", "The role is seen from the file"),
      ({ config, json }) => check(shell, config, json),
    );
}

function runCommand(parser: Argv, name: string, run: Shell["runClient"]): Argv {
  return parser
    .demandCommand(
      1,
      `Name what the ${name} is to do: ${name === "client" ? "join or run" : "init, invite, clients, revoke or run"}.`,
    )
    .command(
      "run",
      "Run in the foreground until SIGTERM, which takes back every rule and route",
      (command) =>
        withConfig(command)
          .option("pretty", { type: "boolean", default: false, describe: "Write the log for people, not as JSON" })
          .example(`wanbond ${name} run --config /etc/wanbond/${name}.toml --pretty`, "Try it at a terminal"),
      ({ config, pretty }) => run({ configPath: config, pretty }),
    );
}

function withConfig<T>(parser: Argv<T>) {
  return parser.option("config", {
    type: "string",
    demandOption: true,
    requiresArg: true,
    describe: "Configuration file (TOML, or JSON when it ends in .json)",
  });
}

function statusCommands(parser: Argv, shell: Shell): Argv {
  return parser
    .command(
      "status",
      "Show bonds, members and their quality",
      (command) =>
        withSocket(command)
          .option("watch", { type: "boolean", default: false, describe: "Again each second" })
          .example("wanbond status --json | jq .bonds", "For scripts: one line for each program that answers"),
      ({ socket, json, watch }) => (watch ? watchStatus : status)(shell, { socket, json }),
    )
    .command(
      "events",
      "Show what happened lately: members up, evicted, readmitted, failovers, rekeys",
      (command) =>
        withSocket(command)
          .option("last", { type: "number", default: 50, requiresArg: true, describe: "How many events, 1 to 1000" })
          .check(
            ({ last }) => (Number.isInteger(last) && last >= 1 && last <= 1000) || "--last is a number from 1 to 1000.",
          )
          .example("wanbond events --last 10", "The last ten"),
      ({ socket, json, last }) => events(shell, { socket, json, last }),
    )
    .command(
      "why <member>",
      "Explain how a member is used: its last minutes, second by second, and every decision",
      (command) =>
        withSocket(command)
          .positional("member", { type: "string", demandOption: true, describe: "Its name, or PEER/NAME" })
          .option("last", { type: "number", default: 5, requiresArg: true, describe: "How many minutes, 1 to 60" })
          .check(
            ({ last }) => (Number.isInteger(last) && last >= 1 && last <= 60) || "--last is a number from 1 to 60.",
          )
          .example("wanbond why lte", "Why the member lte carries what it carries")
          .example("wanbond why home1/lte --last 1", "At a concentrator: that of one client, the last minute"),
      ({ member, socket, json, last }) => why(shell, { member, socket, json, lastMinutes: last }),
    );
}

function withSocket<T>(parser: Argv<T>) {
  return parser
    .option("json", { type: "boolean", default: false, describe: "Print JSON, one object in a line" })
    .option("socket", { type: "string", requiresArg: true, describe: "Control socket of the program to ask" });
}
