import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import {
  applyChanges,
  initialState,
  type LineChanges,
  type LineEmulation,
  type LineSettings,
} from "./emulator-settings.ts";
import { createNamespaces, type Namespace } from "./netns.ts";
import { scriptCommand } from "./script.ts";
import { configureLine, LINE_DEVICE, type Topology } from "./topology.ts";

/**
 * Lines by a process of our own (emulator-main.ts): every line is a pair of TAPs, one in the ISP's namespace, one in
 * the core's, and VirtualLine, the same that the simulation uses, decides what happens to a frame between them.
 */
export async function startTapEmulator(topology: Topology, lines: readonly LineSettings[]): Promise<LineEmulation> {
  const [workshop] = await createNamespaces(["lines"]);
  if (workshop === undefined) throw new Error("unreachable: one namespace was asked for");
  const emulator = workshop.spawn(scriptCommand("emulator-main.ts", JSON.stringify(lines)), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = new Answers(emulator);
  await answers.next("ready");
  for (const index of lines.keys()) await plugLine(topology, workshop, index);
  const states = lines.map(initialState);
  return {
    kind: "emulator",
    async set(line: number, changes: LineChanges) {
      const state = states[line];
      if (state === undefined) throw new RangeError(`line ${line} of ${states.length}`);
      states[line] = applyChanges(state, changes);
      emulator.stdin?.write(`${JSON.stringify({ line, state: states[line] })}\n`);
      await answers.next("done");
    },
    async stop() {
      const ended = emulator.exitCode === null ? once(emulator, "exit") : undefined;
      emulator.stdin?.end();
      await ended;
      workshop.remove();
    },
  };
}

/** Moves the two ends to where they belong. */
async function plugLine(topology: Topology, workshop: Namespace, index: number): Promise<void> {
  const isp = topology.isps[index];
  if (isp === undefined) throw new RangeError(`line ${index} of ${topology.isps.length}`);
  await workshop.ip(
    `link set l${index}isp netns ${isp.name} name ${LINE_DEVICE}`,
    `link set l${index}core netns ${topology.core.name} name isp${index + 1}`,
  );
  await configureLine(topology, index);
}

/** The emulator's answers, in the order of the questions. */
class Answers {
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void; expected: string }[] = [];

  constructor(emulator: ChildProcess) {
    if (emulator.stdout === null) throw new Error("unreachable: standard output is a pipe");
    createInterface(emulator.stdout).on("line", (answer) => {
      const first = this.#waiting.shift();
      if (answer === first?.expected) first.resolve();
      else first?.reject(new Error(`the line emulator answered "${answer}" in place of "${first.expected}"`));
    });
    emulator.on("exit", (status) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`the line emulator ended with status ${status}`));
    });
    emulator.stdin?.on("error", () => undefined); // It has ended, which the waiting ones are told.
  }

  next(expected: string): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, expected }));
  }
}
