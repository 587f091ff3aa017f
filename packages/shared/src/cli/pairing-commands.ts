import type { Argv } from "yargs";
import { EX_USAGE, WanbondError } from "../errors.ts";
import { invite, listClients, revoke } from "./pairing.ts";
import { init, join } from "./pairing-setup.ts";
import type { Shell } from "./shell.ts";

/** Options that may stand several times, or once with commas. */
const LISTS = ["--lan", "--endpoint", "--address", "--listen"];

/** Further commands of `wanbond concentrator`: a configuration, invites, clients. */
export function concentratorCommands(parser: Argv, shell: Shell): Argv {
  return parser
    .command(
      "init",
      "Write a configuration and a key; nothing that is there is changed",
      (command) =>
        withFile(command, "/etc/wanbond/concentrator.toml")
          .option("listen", list("UDP addresses and ports; default: port 51900 of all"))
          .option("endpoint", list("Where clients reach this host, ADDRESS:PORT; default: its own address, if public"))
          .option("address", list("Network of the tunnel, as 10.77.0.1/24; default: one that is not in use"))
          .example("wanbond concentrator init", "On a VPS with an address of its own")
          .example(
            "wanbond concentrator init --endpoint 203.0.113.10:51900",
            "Behind a provider's address translation",
          ),
      ({ config, listen, endpoint, address, tap, force, start }) =>
        init(shell, {
          configPath: config,
          listen: texts(listen),
          endpoints: texts(endpoint),
          address: texts(address),
          tap,
          force,
          start,
        }),
    )
    .command(
      "invite <name>",
      "Print an invite for one client: a line, and a QR code",
      (command) =>
        withSocket(command)
          .positional("name", { type: "string", demandOption: true, describe: "What the client will be called" })
          .option("lan", list("Networks behind the client; default: those it finds"))
          .option("expires", { type: "string", default: "24h", requiresArg: true, describe: "Life, as 30m, 24h or 7d" })
          .option("qr", { type: "boolean", default: true, describe: "Draw the QR code (--no-qr: the line alone)" })
          .example("wanbond concentrator invite home1", "Then, on the router: wanbond client join 'wb1:…'"),
      ({ name, lan, expires, qr, json, socket }) =>
        invite(shell, { name, lan: texts(lan), lifeS: secondsOf(expires), qr, json, socket }),
    )
    .command(
      "clients",
      "List the clients, and invites that wait",
      (command) => withSocket(command).example("wanbond concentrator clients --json", "For scripts"),
      ({ json, socket }) => listClients(shell, { json, socket }),
    )
    .command(
      "revoke <name>",
      "Put a client out at once, or make an invite void; the others notice nothing",
      (command) =>
        withSocket(command)
          .positional("name", { type: "string", demandOption: true, describe: "Of the client or the invite" })
          .example("wanbond concentrator revoke home1", "It can be invited again"),
      ({ name, json, socket }) => revoke(shell, { name, json, socket }),
    );
}

/** Further commands of `wanbond client`. */
export function clientCommands(parser: Argv, shell: Shell): Argv {
  return parser.command(
    "join <invite>",
    "Become a client by an invite: write configuration and key, and start",
    (command) =>
      withFile(command, "/etc/wanbond/client.toml")
        .positional("invite", {
          type: "string",
          demandOption: true,
          describe: "What the concentrator printed, in quotes",
        })
        .option("lan", list('Networks behind this host; default: those that are found; "none": this host alone'))
        .option("run", { type: "boolean", default: false, describe: "Run in the foreground afterwards" })
        .example("wanbond client join 'wb1:…'", "Every device with a default route is an uplink"),
    ({ invite: line, config, lan, tap, force, start, run }) =>
      join(shell, {
        invite: line,
        configPath: config,
        lan: lan === undefined ? null : texts(lan).filter((text) => text !== "none"),
        tap,
        force,
        start: start && !run,
        run,
      }),
  );
}

/** yargs keeps the last of several options of one name; of these, all count: they are put together, with commas. */
export function joinLists(args: readonly string[]): string[] {
  const joined: string[] = [];
  const places = new Map<string, number>();
  for (let at = 0; at < args.length; at++) {
    const [option = "", ...rest] = (args[at] ?? "").split("=");
    const isList = LISTS.includes(option);
    const value = rest.length > 0 ? rest.join("=") : isList ? args[++at] : undefined;
    const place = places.get(option);
    if (!isList || value === undefined) joined.push(args[isList && value === undefined ? at - 1 : at] ?? "");
    else if (place === undefined) places.set(option, joined.push(`${option}=${value}`) - 1);
    else joined[place] += `,${value}`;
  }
  return joined;
}

function list(describe: string) {
  return { type: "string", requiresArg: true, describe: `${describe} (several: with commas)` } as const;
}

function texts(option: string | undefined): string[] {
  return (option ?? "").split(",").filter((text) => text !== "");
}

function withFile<T>(parser: Argv<T>, file: string) {
  return parser
    .option("config", { type: "string", default: file, requiresArg: true, describe: "Configuration file to write" })
    .option("tap", { type: "string", default: "wb0", requiresArg: true, describe: "Name of the tunnel's device" })
    .option("force", { type: "boolean", default: false, describe: "Replace a file that is there; it goes to FILE.old" })
    .option("start", {
      type: "boolean",
      default: true,
      describe: "Start the service if it is installed (--no-start: do not)",
    });
}

function withSocket<T>(parser: Argv<T>) {
  return parser
    .option("json", { type: "boolean", default: false, describe: "Print JSON, one object in a line" })
    .option("socket", { type: "string", requiresArg: true, describe: "Control socket of the concentrator" });
}

/** @throws WanbondError */
function secondsOf(text: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(amount) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? Number.NaN);
  if (seconds >= 60 && seconds <= 30 * 86_400) return seconds;
  const sentence = `--expires ${text} is no time. Write it as 30m, 24h or 7d: one minute to thirty days.`;
  throw new WanbondError("WB_USAGE", EX_USAGE, sentence);
}
