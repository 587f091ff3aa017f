import { join as joinPath } from "node:path";
import {
  type ClientEntry,
  type ClientsAnswer,
  type Column,
  printable,
  readClients,
  requestInvite,
  revokeClient,
  table,
  UNKNOWN,
} from "../control/index.ts";
import { EX_USAGE, WanbondError } from "../errors.ts";
import type { Shell } from "./shell.ts";

interface Choice {
  readonly json: boolean;
  readonly socket: string | undefined;
}

export interface InviteOptions extends Choice {
  readonly name: string;
  readonly lan: readonly string[];
  readonly lifeS: number;
  readonly qr: boolean;
}

/** Black on white whatever the terminal's colours are: most readers want it so. */
const PAPER = "\x1b[97;40m";
const NORMAL = "\x1b[0m";

const COLUMNS: readonly Column<ClientEntry>[] = [
  { title: "CLIENT", align: "left", text: ({ name }) => name },
  { title: "FROM", align: "left", text: ({ origin }) => origin },
  { title: "STATE", align: "left", text: ({ state }) => state },
  { title: "ADDRESS", align: "left", text: ({ address }) => words(address) },
  { title: "LAN", align: "left", text: ({ lan }) => words(lan) },
  { title: "LAST SEEN", align: "left", text: ({ lastSeen }) => timeText(lastSeen) },
  { title: "ENDPOINTS", align: "left", text: ({ endpoints }) => words(endpoints) },
  { title: "SINCE", align: "left", text: ({ since }) => timeText(since) },
];

const INVITE_COLUMNS: readonly Column<ClientsAnswer["invites"][number]>[] = [
  { title: "INVITE", align: "left", text: ({ name }) => name },
  { title: "EXPIRES", align: "left", text: ({ expires }) => timeText(expires) },
  { title: "LAN", align: "left", text: ({ lan }) => words(lan) },
];

/** `wanbond concentrator invite`. @throws WanbondError */
export async function invite(shell: Shell, options: InviteOptions): Promise<void> {
  const { name, lan, lifeS } = options;
  if (!/^[A-Za-z0-9._-]{1,32}$/.test(name)) throw badName(name);
  const answer = await requestInvite(socketOf(shell, options), { name, lan: [...lan], lifeS });
  if (options.json) {
    const { qr: _drawn, ...rest } = answer;
    return shell.out(`${JSON.stringify(rest)}\n`);
  }
  shell.out(`${answer.invite}\n`);
  if (options.qr) shell.out(`\n${shell.isTerminal ? onPaper(answer.qr) : answer.qr}`);
  const use = `On the router of ${name}, until ${timeText(answer.expires)}: wanbond client join '${answer.invite.slice(0, 8)}…'`;
  if (shell.isTerminal) shell.out(`\n${use}\nWhoever reads this line can use it, once.\n`);
}

/** `wanbond concentrator clients`. @throws WanbondError */
export async function listClients(shell: Shell, options: Choice): Promise<void> {
  const answer = await readClients(socketOf(shell, options));
  if (options.json) return shell.out(`${JSON.stringify(answer)}\n`);
  const { clients, invites } = answer;
  shell.out(clients.length === 0 ? "  no clients\n" : table(COLUMNS, clients));
  if (invites.length > 0) shell.out(`\n${table(INVITE_COLUMNS, invites)}`);
}

/** `wanbond concentrator revoke`. @throws WanbondError */
export async function revoke(shell: Shell, options: Choice & { readonly name: string }): Promise<void> {
  const answer = await revokeClient(socketOf(shell, options), options.name);
  if (options.json) return shell.out(`${JSON.stringify(answer)}\n`);
  const what = answer.revoked === "client" ? "is out: its session is closed" : "has no invite any more";
  shell.out(`${printable(answer.name)} ${what}\n`);
}

function badName(name: string): WanbondError {
  const sentence = `${JSON.stringify(name)} is no name. Use 1 to 32 letters, digits, ".", "_" and "-".`;
  return new WanbondError("WB_USAGE", EX_USAGE, sentence);
}

function socketOf(shell: Shell, { socket }: Choice): string {
  return socket ?? joinPath(shell.stateDirectory(), "concentrator.sock");
}

function onPaper(qr: string): string {
  return qr.replaceAll(/^(.+)$/gm, `${PAPER}$1${NORMAL}`);
}

function words(texts: readonly string[]): string {
  return texts.length === 0 ? UNKNOWN : texts.join(" ");
}

function timeText(time: string | null): string {
  return time === null ? UNKNOWN : `${time.slice(0, 10)} ${time.slice(11, 16)}Z`;
}
