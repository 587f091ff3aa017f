import type { InitRequest, JoinRequest } from "../runtime/index.ts";
import { startService } from "../system/index.ts";
import type { Shell } from "./shell.ts";

/** Where the services look. */
const SERVICE_FILE = (role: "client" | "concentrator") => `/etc/wanbond/${role}.toml`;

/** `wanbond concentrator init`. @throws WanbondError */
export async function init(shell: Shell, options: InitRequest & { readonly start: boolean }): Promise<void> {
  const { configPath, publicKey, listen, endpoints, address, hints } = await shell.initConcentrator(options);
  shell.out(`${configPath}: written, beside its key\n`);
  shell.out(`  listens on ${listen.join(", ")}; tunnel ${address.join(", ")}; public key ${publicKey}\n`);
  if (endpoints.length > 0) shell.out(`  clients reach it at ${endpoints.join(", ")}\n`);
  for (const hint of hints) shell.out(`! ${hint}\n`);
  bringUp(shell, "concentrator", configPath, options.start);
  shell.out("Then invite a client: wanbond concentrator invite NAME\n");
}

/** `wanbond client join`. @throws WanbondError */
export async function join(
  shell: Shell,
  options: JoinRequest & { readonly start: boolean; readonly run: boolean },
): Promise<void> {
  const { configPath } = options;
  const { name, addresses, lan, uplinks, warnings } = await shell.joinClient(options);
  shell.out(`${configPath}: written, beside its key\n`);
  shell.out(`  client ${name}, ${addresses.join(" ") || "bridged"}; uplinks ${uplinks.join(", ")}; `);
  shell.out(`${lan.length === 0 ? "no network behind it" : `behind it ${lan.join(", ")}`}\n`);
  for (const warning of warnings) shell.out(`! ${warning}\n`);
  if (options.run) return shell.runClient({ configPath, pretty: shell.isTerminal });
  bringUp(shell, "client", configPath, options.start);
}

/** Starts the service, or says the one command that is left. */
function bringUp(shell: Shell, role: "client" | "concentrator", configPath: string, start: boolean): void {
  const isForService = configPath === SERVICE_FILE(role);
  const state = start && isForService ? startService(role) : "no-systemd";
  const install = `Now start it: wanbond service install ${role}\n`;
  const run = `Now start it: wanbond ${role} run --config ${configPath}\n`;
  const started = `wanbond-${role}.service: started, and starts with the system\n`;
  shell.out(state === "started" ? started : state === "not-installed" ? install : run);
}
