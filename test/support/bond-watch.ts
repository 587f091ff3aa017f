import type { BondStatus, MemberStatus } from "@wanbond/shared/control";
import { isUsable, type LogLine, type Program } from "./program.ts";
import type { BondPair } from "./programs.ts";
import { waitFor } from "./wait.ts";

/** What the programs say of their bond: in status, and in the log with the time at which they decided. */
const DEADLINE_MS = 20_000;

/** The program's bond with one client; of a client its only one. */
export async function bondOf(program: Program, peer?: string): Promise<BondStatus> {
  const { bonds } = await program.status();
  const bond = bonds.find((each) => peer === undefined || each.peer === peer);
  if (bond === undefined) throw new Error(`no bond ${peer ?? ""}\n${program.transcript()}`);
  return bond;
}

export async function memberOf(program: Program, name: string): Promise<MemberStatus> {
  const member = (await bondOf(program)).members.find((each) => each.name === name);
  if (member === undefined) throw new Error(`no member ${name}\n${program.transcript()}`);
  return member;
}

/** What a program has sent over each member so far. */
export async function sentBytes(program: Program): Promise<Map<string, number>> {
  const { members } = await bondOf(program);
  return new Map(members.map(({ name, txBytes }) => [name, txBytes]));
}

/** Which part of what a program sent while `during` ran each member carried, by the order of the members' names. */
export async function sharesDuring(program: Program, during: () => Promise<unknown>): Promise<number[]> {
  const before = await sentBytes(program);
  await during();
  const after = await sentBytes(program);
  const sent = [...after].sort().map(([name, bytes]) => bytes - (before.get(name) ?? 0));
  const total = sent.reduce((sum, bytes) => sum + bytes, 0);
  return sent.map((bytes) => bytes / total);
}

export interface MemberChange {
  /** Milliseconds from sinceMs (Date.now()) until the end that decided last. */
  readonly afterMs: number;
  readonly clientMs: number;
  readonly concentratorMs: number;
  /** The reason that the client gave. */
  readonly clientReason: string;
}

/** Waits until both ends have taken a member out of the bond since that moment, or into it again. */
export async function memberChange(
  pair: BondPair,
  member: string,
  to: "out" | "in",
  sinceMs: number,
): Promise<MemberChange> {
  const fits = (line: LogLine) =>
    line["member"] === member && isUsable(String(line["to"])) === (to === "in") && timeOf(line) >= sinceMs;
  const decision = (program: Program) =>
    waitFor(() => program.events("member-state").find(fits), {
      what: `the ${program.role} takes ${member} ${to}`,
      deadlineMs: DEADLINE_MS,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${program.transcript()}`);
    });
  const [client, concentrator] = await Promise.all([decision(pair.client), decision(pair.concentrator)]);
  const clientMs = timeOf(client) - sinceMs;
  const concentratorMs = timeOf(concentrator) - sinceMs;
  const afterMs = Math.max(clientMs, concentratorMs);
  return { afterMs, clientMs, concentratorMs, clientReason: String(client["reason"]) };
}

/** When a program wrote a line, as Date.now() counts. */
function timeOf(line: LogLine): number {
  return Date.parse(String(line["time"]));
}
