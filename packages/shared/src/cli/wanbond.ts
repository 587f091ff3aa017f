import { stateDirectory } from "../system/index.ts";
import { runCli } from "./program.ts";
import type { Shell } from "./shell.ts";

/** The program: this process as a shell for the command line. The only file that reaches up to the two ends. */
const shell: Shell = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  readInput: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  },
  isTerminal: process.stdout.isTTY,
  signal: new AbortController().signal,
  stateDirectory: () => stateDirectory(),
  runClient: async (options) => (await import("@wanbond/client")).runClient(options),
  initConcentrator: async (request) => (await import("@wanbond/concentrator")).initConcentrator(request),
  joinClient: async (request) => (await import("@wanbond/client")).joinClient(request),
  runConcentrator: async (options) => (await import("@wanbond/concentrator")).runConcentrator(options),
  doctorClient: async (...asked) => (await import("@wanbond/client")).doctorClient(...asked),
  doctorConcentrator: async (...asked) => (await import("@wanbond/concentrator")).doctorConcentrator(...asked),
};

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has seen enough, as in `wanbond status | head`.
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// Explicitly, because what a program left open must not keep it from ending. Standard output of Linux is written at once.
process.exit(await runCli(process.argv.slice(2), shell));
