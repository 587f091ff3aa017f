import { setTimeout as pause } from "node:timers/promises";
import type { LineMeasurement } from "@wanbond/shared/control";
import { OBSERVE_SECOND_PORT } from "@wanbond/shared/wire";
import type { SideSocket } from "./side-socket.ts";

/** Silences that are tried, each on a socket of its own. */
export const SILENCES_MS: readonly number[] = [4_000, 8_000, 12_000, 20_000, 30_000, 40_000];
/** A translator takes a flow for a lasting one when it has seen both directions for 2 s (Linux); the bond's flows are such. */
const SETTLE_MS = 2_200;
/** Each silence is asked for several times: a lossy line is to be no short mapping. */
const COPIES_MS: readonly number[] = [0, 300, 900];
const SLACK_MS = 2_000;
const ANSWER_MS = 1_500;
const TRIES = 4;

type Mapping = NonNullable<LineMeasurement["mapping"]>;
type Nat = NonNullable<LineMeasurement["nat"]>;

/**
 * How long a translator on the way keeps its mapping without traffic: on each socket the concentrator is asked to answer
 * after a silence, and what does not come back found the mapping gone.
 */
export async function measureMapping(sockets: readonly SideSocket[]): Promise<Mapping | null> {
  const tried = SILENCES_MS.slice(0, sockets.length);
  const survived = await Promise.all(tried.map((silenceMs, i) => survives(sockets[i], silenceMs)));
  if (survived.every((outcome) => outcome === null)) return null;
  return boundsOf(tried, survived);
}

/** @param survived by silence: null where the question itself was lost. */
export function boundsOf(triedMs: readonly number[], survived: readonly (boolean | null)[]): Mapping {
  const last = survived.lastIndexOf(true);
  const failed = survived.findIndex((outcome, i) => outcome === false && i > last);
  return {
    atLeastMs: last < 0 ? 0 : (triedMs[last] ?? null),
    belowMs: failed < 0 ? null : (triedMs[failed] ?? null),
    triedMs: triedMs.at(-1) ?? 0,
  };
}

async function survives(socket: SideSocket | undefined, silenceMs: number): Promise<boolean | null> {
  const first = socket === undefined ? null : await answered(socket);
  if (socket === undefined || first === null) return null;
  await pause(SETTLE_MS);
  const settled = await answered(socket);
  if (settled === null) return null;
  const { token } = settled.answer;
  return new Promise((resolve) => {
    const questions = COPIES_MS.map((extraMs) => {
      const question = socket.channel.expect(() => finish(true));
      socket.ask({ type: "delayed-reply", id: question.id, waitMs: silenceMs + extraMs, token });
      return question;
    });
    const timer = setTimeout(() => finish(false), silenceMs + SLACK_MS);
    const finish = (outcome: boolean) => {
      clearTimeout(timer);
      for (const question of questions) question.cancel();
      resolve(outcome);
    };
  });
}

async function answered(socket: SideSocket) {
  for (let i = 0; i < TRIES; i++) {
    const observation = await socket.observe(ANSWER_MS);
    if (observation !== null) return observation;
  }
  return null;
}

/** Where the second port of the concentrator sees this socket: elsewhere than the first if mappings go by destination. */
export async function measureNat(socket: SideSocket, formatSeen: (record: Int32Array) => string): Promise<Nat> {
  let secondPort: number | null = null;
  for (let i = 0; i < TRIES && secondPort === null; i++) {
    const observation = await socket.observe(ANSWER_MS, { flags: OBSERVE_SECOND_PORT });
    if (observation !== null && observation.answer.secondPort !== 0) secondPort = observation.answer.secondPort;
    else await pause(200);
  }
  if (secondPort === null) return { secondPort: null, secondSeen: null };
  for (let i = 0; i < TRIES; i++) {
    const observation = await socket.observe(ANSWER_MS / 2, { port: secondPort });
    if (observation !== null) return { secondPort, secondSeen: formatSeen(observation.answer.seen) };
  }
  return { secondPort, secondSeen: null };
}
