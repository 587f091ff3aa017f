import { type CheckedConfig, ConfigError, checkConfigFile } from "../config/index.ts";
import type { Shell } from "./shell.ts";

/** `wanbond check`: one line when the file is good. @throws ConfigError with every fault; as JSON it goes to standard output first. */
export function check(shell: Shell, file: string, json: boolean): void {
  try {
    const checked = checkConfigFile(file);
    shell.out(
      json ? `${JSON.stringify({ ok: true, file, role: checked.role, faults: [] })}\n` : summary(file, checked),
    );
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
  const { uplinks, concentrators, client } = config;
  const lines = uplinks === "auto" ? "automatic uplinks" : counted(uplinks, "uplink");
  const ends = concentrators.length === 1 ? "" : `${counted(concentrators, "concentrator")}, `;
  const endpointCount = concentrators.flatMap(({ endpoints }) => endpoints).length;
  return `${client.mode} client ${client.tap}, ${lines}, ${ends}${endpointCount} concentrator endpoint(s)`;
}

function concentratorText({ config }: Extract<CheckedConfig, { role: "concentrator" }>): string {
  const { mode, tap, listen } = config.concentrator;
  return `${mode} concentrator ${tap}, ${counted(config.client, "client")}, ${listen.length} listening address(es)`;
}

function counted(named: readonly { readonly name: string }[], word: string): string {
  return `${named.length} ${word}${named.length === 1 ? "" : "s"} (${named.map(({ name }) => name).join(", ")})`;
}
