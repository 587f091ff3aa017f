import { loadClientConfig } from "@wanbond/shared/config";
import { runProgram } from "@wanbond/shared/runtime";
import { startAgent } from "./agent.ts";
import { GUARD_PREFIX } from "./fallback/index.ts";

/**
 * `wanbond client run`: the home side, in the foreground until SIGTERM or SIGINT.
 *
 * @throws WanbondError when it cannot start.
 */
export async function runClient(options: { readonly configPath: string; readonly pretty: boolean }): Promise<void> {
  const { config, keys } = loadClientConfig(options.configPath);
  const { tap, logLevel, stateDirectory, controlSocket } = config.client;
  // Devices of uplinks may come later, as modems do; the agent names those that are missing.
  const { direct, killSwitch } = config.fallback;
  const needsNft = direct || killSwitch !== "off";
  const requirements = { programs: needsNft ? (["ip", "nft"] as const) : (["ip"] as const), devices: [] };
  const keeps = killSwitch === "off" ? undefined : { prefix: GUARD_PREFIX, afterStop: killSwitch === "lasting" };
  await runProgram(
    { role: "client", tap, logLevel, stateDirectory, controlSocket, pretty: options.pretty, requirements, keeps },
    (context) => startAgent(context, config, keys),
  );
}
