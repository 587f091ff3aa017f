import { loadClientConfig } from "@wanbond/shared/config";
import { runProgram } from "@wanbond/shared/runtime";
import { startAgent } from "./agent.ts";

/**
 * `wanbond client run`: the home side, in the foreground until SIGTERM or SIGINT.
 *
 * @throws WanbondError when it cannot start.
 */
export async function runClient(options: { readonly configPath: string; readonly pretty: boolean }): Promise<void> {
  const { config, keys } = loadClientConfig(options.configPath);
  const { tap, logLevel, stateDirectory, controlSocket } = config.client;
  const requirements = {
    programs: ["ip"] as const,
    devices: config.client.bridge === null ? [] : [],
  };
  await runProgram(
    { role: "client", tap, logLevel, stateDirectory, controlSocket, pretty: options.pretty, requirements },
    (context) => startAgent(context, config, keys),
  );
}
