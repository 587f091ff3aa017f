import { loadConcentratorConfig } from "@wanbond/shared/config";
import { runProgram } from "@wanbond/shared/runtime";
import { startServer } from "./server.ts";

/**
 * `wanbond concentrator run`: the internet side, in the foreground until SIGTERM or SIGINT.
 *
 * @throws WanbondError when it cannot start.
 */
export async function runConcentrator(options: {
  readonly configPath: string;
  readonly pretty: boolean;
}): Promise<void> {
  const { config, keys } = loadConcentratorConfig(options.configPath);
  const { tap, logLevel, stateDirectory, controlSocket, mode } = config.concentrator;
  const requirements = { programs: mode === "routed" ? (["ip", "nft"] as const) : (["ip"] as const), devices: [] };
  await runProgram(
    { role: "concentrator", tap, logLevel, stateDirectory, controlSocket, pretty: options.pretty, requirements },
    (context) => startServer(context, config, keys, options.configPath),
  );
}
