import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { LineMeasurement } from "@wanbond/shared/control";
import { type Runner, readNeighbour } from "@wanbond/shared/system";
import { formatEndpoint } from "@wanbond/shared/wire";
import type { Line } from "./line.ts";

const TCP_TIMEOUT_MS = 3_000;
/** What a host on the internet mostly answers, or refuses, at. A refusal is an answer, too. */
const TCP_PORTS: readonly number[] = [22, 443, 80];

type Otherwise = NonNullable<LineMeasurement["otherwise"]>;

/** Over a line on which the concentrator does not answer: does its gateway, does the concentrator's host by TCP? */
export async function reachOtherwise(line: Line, runner: Runner): Promise<Otherwise> {
  const { endpoint, source } = line;
  const ports = endpoint === null || source === null ? [] : [portOf(endpoint), ...TCP_PORTS];
  const address = endpoint === null ? "" : hostOf(endpoint);
  const answers = await Promise.all(ports.map((port) => answersTcp(address, port, source ?? "")));
  const tcpPort = ports.find((_, i) => answers[i] === true) ?? null;
  return { gateway: await gatewayState(line, runner), tcp: tcpPort === null ? "silent" : "answers", tcpPort };
}

async function gatewayState({ gateway, device }: Line, runner: Runner): Promise<Otherwise["gateway"]> {
  if (gateway === null || device === null) return "none";
  // What was sent before made the kernel look for it; it gives up after three seconds.
  for (let i = 0; i < 8; i++) {
    const state = await readNeighbour(runner, gateway, device);
    if (state === "reachable") return "answers";
    if (state === "failed") return "silent";
    await pause(500);
  }
  return "silent";
}

function answersTcp(host: string, port: number, localAddress: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, localAddress, timeout: TCP_TIMEOUT_MS });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => finish(true));
    socket.once("timeout", () => finish(false));
    socket.once("error", (error: NodeJS.ErrnoException) => finish(error.code === "ECONNREFUSED"));
  });
}

function hostOf(endpoint: Int32Array): string {
  const text = formatEndpoint(endpoint);
  return text.slice(0, text.lastIndexOf(":")).replaceAll(/[[\]]/g, "");
}

function portOf(endpoint: Int32Array): number {
  return Number(formatEndpoint(endpoint).split(":").at(-1));
}
