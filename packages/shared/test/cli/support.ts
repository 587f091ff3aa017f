import type { Shell } from "../../src/cli/shell.ts";

/** A shell that writes down what happens to it. */
export interface RecordingShell extends Shell {
  readonly written: { out: string; error: string };
  readonly ran: string[];
}

export function recordingShell(change: Partial<Shell> = {}): RecordingShell {
  const written = { out: "", error: "" };
  const ran: string[] = [];
  const record = (name: string) => async (options: { configPath: string; pretty: boolean }) =>
    void ran.push(`${name} ${options.configPath}${options.pretty ? " pretty" : ""}`);
  return {
    written,
    ran,
    out: (text) => {
      written.out += text;
    },
    error: (text) => {
      written.error += text;
    },
    readInput: async () => "",
    isTerminal: false,
    signal: new AbortController().signal,
    stateDirectory: () => "/nowhere",
    runClient: record("client"),
    runConcentrator: record("concentrator"),
    initConcentrator: async (request) => {
      ran.push(`init ${JSON.stringify(request)}`);
      const { configPath, listen, endpoints, address } = request;
      return { configPath, publicKey: "key", listen, endpoints, address, hints: ["a hint"] };
    },
    joinClient: async (request) => {
      ran.push(`join ${JSON.stringify(request)}`);
      return {
        name: "home1",
        addresses: ["10.200.0.2/32"],
        lan: [],
        uplinks: ["eth1"],
        configPath: request.configPath,
        warnings: ["a warning"],
      };
    },
    doctorClient: async (options) => void ran.push(`doctor client ${JSON.stringify(options)}`),
    doctorConcentrator: async (options) => void ran.push(`doctor concentrator ${JSON.stringify(options)}`),
    ...change,
  };
}
