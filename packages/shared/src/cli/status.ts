import { setTimeout } from "node:timers/promises";
import {
  prettyEvent,
  readEvents,
  readStatus,
  type StatusSnapshot,
  statusTable,
  streamStatus,
} from "../control/index.ts";
import { askAll, isNotRunning, type ProgramChoice, socketsOf } from "./ask-programs.ts";
import type { Shell } from "./shell.ts";

/** Between two tries to reach a program that went away while it was watched. */
const RETRY_MS = 1000;
const CLEAR_SCREEN = "\x1b[H\x1b[2J";

export interface StatusOptions extends ProgramChoice {
  readonly json: boolean;
}

/** `wanbond status`: a table for each program that answers, or a line of JSON. @throws WanbondError when none does. */
export async function status(shell: Shell, options: StatusOptions): Promise<void> {
  const answers = await askAll(socketsOf(shell, options), readStatus);
  shell.out(answers.map(({ answer }) => render(answer, options)).join(options.json ? "" : "\n"));
}

/** `wanbond status --watch`: the same again each second, over restarts of the programs, until the signal aborts. */
export async function watchStatus(shell: Shell, options: StatusOptions): Promise<void> {
  const answers = await askAll(socketsOf(shell, options), readStatus);
  const latest = new Map<string, string>();
  const show = (socket: string, text: string) => {
    latest.set(socket, text);
    if (options.json || !shell.isTerminal) shell.out(options.json ? text : `${text}\n`);
    else shell.out(CLEAR_SCREEN + [...latest.values()].join("\n"));
  };
  await Promise.all(answers.map(({ socket }) => watchOne(shell, socket, (text) => show(socket, text), options)));
}

/** `wanbond events`: the newest lines of the log of each program that answers. @throws WanbondError when none does. */
export async function events(shell: Shell, options: StatusOptions & { readonly last: number }): Promise<void> {
  const answers = await askAll(socketsOf(shell, options), (socket) => readEvents(socket, options.last));
  const lines = answers.flatMap(({ answer }) => answer.map((event) => `${JSON.stringify(event)}\n`));
  shell.out(lines.map((line) => (options.json ? line : prettyEvent(line))).join(""));
}

function render(snapshot: StatusSnapshot, options: StatusOptions): string {
  return options.json ? `${JSON.stringify(snapshot)}\n` : statusTable(snapshot);
}

async function watchOne(
  shell: Shell,
  socket: string,
  show: (text: string) => void,
  options: StatusOptions,
): Promise<void> {
  while (!shell.signal.aborted) {
    try {
      await streamStatus(socket, (snapshot) => show(render(snapshot, options)), shell.signal);
    } catch (error) {
      if (!isNotRunning(error)) throw error; // Otherwise it is being restarted: it is asked again below.
    }
    if (shell.signal.aborted) return;
    if (!options.json) show(`${socket}: the program has ended, waiting for it\n`);
    await pause(RETRY_MS, shell.signal);
  }
}

/** Ends early when the signal aborts. */
async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([setTimeout(durationMs), aborted]);
}
