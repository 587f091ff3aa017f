import { join } from "node:path";
import { type ConcentratorConfig, loadConcentratorConfig } from "@wanbond/shared/config";
import {
  concludeDoctor,
  type DoctorOptions,
  type DoctorOutput,
  diagnose,
  gatherHost,
  type Plan,
  readProgram,
} from "@wanbond/shared/doctor";
import { programVersion } from "@wanbond/shared/io";
import { createRunner, networkOf, parsePrefix, stateDirectory } from "@wanbond/shared/system";

/**
 * `wanbond doctor` with a concentrator's file: looks at this machine and says what is wrong with it. Lines are measured
 * from the other end.
 *
 * @throws ConfigError with every fault of the file; WanbondError with status 1 when there is a fault in the report.
 */
export async function doctorConcentrator(options: DoctorOptions, output: DoctorOutput): Promise<void> {
  const { config } = loadConcentratorConfig(options.configPath);
  const { concentrator } = config;
  const directory = concentrator.stateDirectory ?? stateDirectory();
  const program = await readProgram(concentrator.controlSocket ?? join(directory, "concentrator.sock"));
  const plan = concentratorPlan(config, options.configPath, [...new Set([directory, stateDirectory()])]);
  const host = await gatherHost(createRunner(), plan);
  const findings = diagnose({
    plan,
    host,
    program: program?.facts ?? null,
    lines: null,
    unmeasured: null,
    session: false,
    ownVersion: programVersion().join("."),
  });
  concludeDoctor(output, { role: "concentrator", findings, lines: null }, options.json);
}

function concentratorPlan(config: ConcentratorConfig, configPath: string, stateDirectories: readonly string[]): Plan {
  const { tap, mode, address, listen, mtu, privateKeyFile } = config.concentrator;
  const routed = mode === "routed";
  const lans = config.client.flatMap(({ name, routes }) =>
    routes.map(({ text }) => ({ what: `the LAN of ${name}`, kind: "lan" as const, network: text })),
  );
  const bond = address.map(({ text }) => ({
    what: "the bond",
    kind: "bond" as const,
    network: networkOf(parsePrefix(text)),
  }));
  return {
    role: "concentrator",
    tap,
    routed,
    forwards: routed,
    forwards6: routed && address.some(({ family }) => family === 6),
    networks: [...bond, ...lans],
    uplinks: [],
    ports: [...new Set(listen.map(({ port }) => port))],
    tapMtu: mtu,
    files: [configPath, privateKeyFile],
    stateDirectories,
  };
}
