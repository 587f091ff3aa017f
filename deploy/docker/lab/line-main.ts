/**
 * The internet line of one ISP of the lab, in its container:
 *
 *   line.mjs run ACCESS INTERNET   shapes what passes between two devices, until it is ended; settings from the environment
 *   line.mjs set CHANGES           changes the line that runs: LineChanges as JSON
 *   line.mjs show                  prints { kind, state } as JSON
 *
 * By the kernel's netem where there is one, else by wanbond's own emulator: then what comes from one device takes the way
 * through a TAP, the emulator and a second TAP before it is routed on.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { netemCommand } from "../../../test/support/emulator-netem.ts";
import {
  applyChanges,
  initialState,
  type LineChanges,
  type LineState,
  line,
} from "../../../test/support/emulator-settings.ts";

const SOCKET = "/run/line.sock";
/** Next hops that do not exist: only their entries in the neighbour table are used. */
const HOP = { up: "198.19.255.1", down: "198.19.255.2" };
const TABLE = { up: "51", down: "52" };
const TAP = { isp: "l0isp", core: "l0core" };

type Kind = "netem" | "emulator";
type Shape = (state: LineState) => void;

function settings(): LineState {
  const number = (name: string): number => {
    const value = Number(process.env[name] ?? "");
    if (process.env[name] === "" || !Number.isFinite(value) || value < 0)
      throw new Error(`${name} takes a number, not "${process.env[name]}"`);
    return value;
  };
  const traits = { pdvMs: number("JITTER"), lossRatio: number("LOSS") / 100 };
  return initialState(line(number("DOWN"), number("UP"), number("DELAY"), traits));
}

function tc(...commands: readonly string[]): void {
  execFileSync("tc", ["-batch", "-"], { input: `${commands.join("\n")}\n`, stdio: ["pipe", "ignore", "pipe"] });
}

/** @returns null when the kernel has no netem. */
function shapeByNetem(access: string, internet: string, first: LineState): Shape | null {
  const shape: Shape = (state) => tc(netemCommand(access, state.down, state), netemCommand(internet, state.up, state));
  try {
    shape(first);
  } catch {
    return null; // "Specified qdisc kind is unknown."
  }
  for (const device of [access, internet]) {
    // A super-frame would count as one packet and need one enormous burst.
    const offloads = ["tso", "gso", "gro", "tx-udp-segmentation"].flatMap((offload) => [offload, "off"]);
    execFileSync("ethtool", ["-K", device, ...offloads], { stdio: "ignore" });
  }
  return shape;
}

async function shapeByEmulator(access: string, internet: string, first: LineState): Promise<Shape> {
  const program = fileURLToPath(new URL("emulator.mjs", import.meta.url));
  const emulator = spawn(process.execPath, [program, JSON.stringify([first])], { stdio: ["pipe", "pipe", "inherit"] });
  emulator.on("exit", (status) => {
    console.error(`the line's emulator ended with status ${status}`);
    process.exit(1);
  });
  await once(emulator.stdout, "data"); // "ready"
  emulator.stdout.resume();
  leadThroughTaps(access, internet);
  return (state) => emulator.stdin.write(`${JSON.stringify({ line: 0, state })}\n`);
}

/** Up: access, l0isp, emulator, l0core, internet. Down: the other way round. */
function leadThroughTaps(access: string, internet: string): void {
  const mac = (device: string) => readFileSync(`/sys/class/net/${device}/address`, "utf8").trim();
  const commands = [
    `link set ${TAP.isp} up`,
    `link set ${TAP.core} up`,
    `neigh replace ${HOP.up} lladdr ${mac(TAP.core)} dev ${TAP.isp} nud permanent`,
    `neigh replace ${HOP.down} lladdr ${mac(TAP.isp)} dev ${TAP.core} nud permanent`,
    `route replace default via ${HOP.up} dev ${TAP.isp} onlink table ${TABLE.up}`,
    `route replace default via ${HOP.down} dev ${TAP.core} onlink table ${TABLE.down}`,
    `rule add iif ${access} lookup ${TABLE.up} priority 1001`,
    `rule add iif ${internet} lookup ${TABLE.down} priority 1002`,
  ];
  execFileSync("ip", ["-batch", "-"], { input: `${commands.join("\n")}\n` });
  // Every packet comes by twice. Its connection is that of the internet's side; the other side is not looked at.
  const rules = `table ip line {
    chain before { type filter hook prerouting priority raw; iifname { "${access}", "${TAP.isp}" } notrack; }
  }`;
  execFileSync("nft", ["-f", "-"], { input: rules });
}

async function run(access: string, internet: string): Promise<void> {
  let state = settings();
  const netem = shapeByNetem(access, internet, state);
  const kind: Kind = netem === null ? "emulator" : "netem";
  const shape = netem ?? (await shapeByEmulator(access, internet, state));
  rmSync(SOCKET, { force: true });
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connection.on("error", () => undefined); // Who asked has gone.
    let changes = "";
    connection.on("data", (chunk) => {
      changes += chunk.toString();
    });
    connection.on("end", () => {
      state = applyChanges(state, JSON.parse(changes));
      shape(state);
      connection.end(`${JSON.stringify({ kind, state })}\n`);
    });
  });
  await once(server.listen(SOCKET), "listening");
  const how = kind === "netem" ? "the kernel's netem" : "wanbond's own emulator, as this kernel has no netem";
  console.log(`the line is shaped by ${how}: ${JSON.stringify(state)}`);
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(0));
}

/** @returns kind and state of the line afterwards, as JSON. */
async function ask(changes: LineChanges): Promise<string> {
  const connection = createConnection(SOCKET);
  connection.end(JSON.stringify(changes));
  return text(connection);
}

const [command, ...parameters] = process.argv.slice(2);
const [first = "", second = ""] = parameters;
if (command === "run") await run(first, second);
else process.stdout.write(await ask(command === "set" ? JSON.parse(first) : {}));
