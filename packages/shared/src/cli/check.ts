import { type CheckedConfig, ConfigError, checkConfigFile, readRegister, registerFile } from "../config/index.ts";
import type { Shell } from "./shell.ts";

/** `wanbond check`: one line when the file is good. @throws ConfigError with every fault; as JSON it goes to standard output first. */
export function check(shell: Shell, file: string, json: boolean): void {
  try {
    const checked = checkConfigFile(file);
    const result = { ok: true, file, role: checked.role, faults: [], ...clientsOf(checked) };
    shell.out(json ? `${JSON.stringify(result)}\n` : summary(file, checked));
  } catch (error) {
    if (json && error instanceof ConfigError) {
      shell.out(`${JSON.stringify({ ok: false, file, role: null, faults: error.faults })}\n`);
    }
    throw error;
  }
}

function summary(file: string, checked: CheckedConfig): string {
  return `${file}: OK, ${checked.role === "client" ? clientText(checked) : concentratorText(checked)}\n`;
}

function clientText({ config }: Extract<CheckedConfig, { role: "client" }>): string {
  const { uplinks, otherUplinks, concentrators, client } = config;
  const others = otherUplinks ? " and automatic ones" : "";
  const lines = uplinks === "auto" ? "automatic uplinks" : `${counted(uplinks, "uplink")}${others}`;
  const ends = concentrators.length === 1 ? "" : `${counted(concentrators, "concentrator")}, `;
  const endpointCount = concentrators.flatMap(({ endpoints }) => endpoints).length;
  return `${client.mode} client ${client.tap}, ${lines}, ${ends}${endpointCount} concentrator endpoint(s)`;
}

function concentratorText({ config }: Extract<CheckedConfig, { role: "concentrator" }>): string {
  const { mode, tap, listen } = config.concentrator;
  const joined = joinedOf(config);
  const others = joined.length === 0 ? "" : `, ${joined.length} joined (${joined.map(({ name }) => name).join(", ")})`;
  const clients = config.client.length === 0 ? "no client in the file" : counted(config.client, "client");
  return `${mode} concentrator ${tap}, ${clients}${others}, ${listen.length} listening address(es)`;
}

/** Where each client stands, for scripts. */
function clientsOf(checked: CheckedConfig): object {
  if (checked.role === "client") return {};
  const file = checked.config.client.map(({ name }) => ({ name, origin: "file" }));
  return { clients: [...file, ...joinedOf(checked.config).map(({ name }) => ({ name, origin: "joined" }))] };
}

/** @throws WanbondError when their file is damaged. */
function joinedOf({ concentrator }: Extract<CheckedConfig, { role: "concentrator" }>["config"]) {
  return readRegister(registerFile(concentrator)).clients;
}

function counted(named: readonly { readonly name: string }[], word: string): string {
  return `${named.length} ${word}${named.length === 1 ? "" : "s"} (${named.map(({ name }) => name).join(", ")})`;
}
