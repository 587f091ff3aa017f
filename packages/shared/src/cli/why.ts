import { readWhy, type WhyAnswer, whyText } from "../control/index.ts";
import { EX_DATAERR, WanbondError } from "../errors.ts";
import { askAll, type ProgramChoice, socketsOf } from "./ask-programs.ts";
import type { Shell } from "./shell.ts";

export interface WhyOptions extends ProgramChoice {
  /** NAME or PEER/NAME. */
  readonly member: string;
  readonly lastMinutes: number;
  readonly json: boolean;
}

/**
 * `wanbond why`: what a member does and what was decided of it, of each program that knows it.
 *
 * @throws WanbondError when no program answers, or none has a member of that name.
 */
export async function why(shell: Shell, options: WhyOptions): Promise<void> {
  const answers = (await askAll(socketsOf(shell, options), (socket) => readWhy(socket, options.member))).map(
    ({ answer }) => lastOf(answer, options.lastMinutes),
  );
  const found = answers.filter(({ members }) => members.length > 0);
  if (found.length === 0) throw noMember(options.member, answers);
  shell.out(
    options.json ? found.map((answer) => `${JSON.stringify(answer)}\n`).join("") : found.map(whyText).join("\n"),
  );
}

function lastOf(answer: WhyAnswer, minutes: number): WhyAnswer {
  const sinceMs = Date.parse(answer.time) - minutes * 60_000;
  const isRecent = ({ time }: { time: string }) => Date.parse(time) >= sinceMs;
  return {
    ...answer,
    members: answer.members.map((member) => ({
      ...member,
      seconds: member.seconds.filter(isRecent),
      events: member.events.filter(isRecent),
    })),
  };
}

function noMember(wanted: string, answers: readonly WhyAnswer[]): WanbondError {
  const known = answers.flatMap(({ known: members }) => members.map(({ peer, name }) => `${peer}/${name}`));
  const there = known.length === 0 ? "There are none yet" : `There are: ${[...new Set(known)].join(", ")}`;
  return new WanbondError("WB_NO_MEMBER", EX_DATAERR, `No member is called ${wanted}. ${there}.`);
}
