import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ConfigError, checkConfigText } from "../../src/config/index.ts";

export const PUBLIC_KEY = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
export const OTHER_PUBLIC_KEY = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";
export const THIRD_PUBLIC_KEY = "pQSZvSNa/CdPmyrq+pjQZaed0w95Nk5FmjYaAA1w5W8=";
/** The private key of PUBLIC_KEY, of RFC 7748 section 6.1. */
export const PRIVATE_KEY = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wanbond-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeText(folder: string, name: string, text: string, mode = 0o600): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** The error that read throws; fails when it throws none. */
export function configErrorOf(read: () => unknown): ConfigError {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("no fault was found");
}

/** Faults of a text as `line:column key`, its key files left out. */
export function faultsOf(text: string, file = "test.toml"): string[] {
  return configErrorOf(() => checkConfigText(text, file)).faults.map(({ key, place }) => `${place} ${key}`);
}

/** A good client file, with more lines behind its tables. */
export function clientToml(
  change: { client?: string; concentrator?: string; tail?: string; head?: string } = {},
): string {
  const tail = change.tail ?? '[[uplink]]\nname = "isp1"\ndevice = "eth1"\n';
  return `${change.head ?? ""}[client]
privateKeyFile = "client.key"
${change.client ?? ""}
[concentrator]
publicKey = "${PUBLIC_KEY}"
${change.concentrator ?? 'endpoints = ["203.0.113.10:51900"]'}
${tail}`;
}

/** A good concentrator file. */
export function concentratorToml(change: { concentrator?: string; tail?: string } = {}): string {
  const own = change.concentrator ?? 'address = ["10.200.0.1/24"]';
  const tail =
    change.tail ?? `[[client]]\nname = "home1"\npublicKey = "${OTHER_PUBLIC_KEY}"\naddress = ["10.200.0.2/32"]\n`;
  return `[concentrator]
listen = ["0.0.0.0:51900"]
privateKeyFile = "concentrator.key"
${own}
${tail}`;
}
