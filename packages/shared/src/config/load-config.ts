import type * as z from "zod";
import { CLIENT_RULES, type ClientSchema, type UplinkConfig } from "./client-config.ts";
import { CONCENTRATOR_RULES, type ConcentratorSchema } from "./concentrator-config.ts";
import type { ConcentratorPeer } from "./concentrator-tables.ts";
import {
  type ConfigDocument,
  countAt,
  entriesAt,
  locateFaults,
  parseDocument,
  readDocument,
  valueAt,
} from "./document.ts";
import { resolveFallback } from "./fallback-tables.ts";
import { ConfigError, type RawFault } from "./fault.ts";
import { type IdentityKeys, KeyFiles } from "./key-files.ts";
import { bondingPushFaults, pushFaults } from "./peer-config.ts";
import { requireRole, roleOf, validate } from "./validate.ts";

/** A client's file, checked, defaults filled in. Holds no secret, so it may be logged. */
export interface ClientConfig
  extends Omit<z.infer<typeof ClientSchema>, "uplinks" | "uplink" | "concentrator" | "fallback"> {
  readonly uplinks: "auto" | readonly UplinkConfig[];
  /** Beside the listed ones: every other device with a default route. */
  readonly otherUplinks: boolean;
  /** At least one, the preferred first. */
  readonly concentrators: readonly ConcentratorPeer[];
  readonly fallback: ReturnType<typeof resolveFallback>;
}

/** A concentrator's file, checked, defaults filled in. Holds no secret, so it may be logged. */
export type ConcentratorConfig = z.infer<typeof ConcentratorSchema>;

export interface ClientKeys extends IdentityKeys {
  /** One for each concentrator; null: none is configured, 32 zero bytes stand for it in the handshake. */
  readonly presharedKeys: readonly (Uint8Array | null)[];
}

export interface ConcentratorKeys extends IdentityKeys {
  /** By client name; clients without one are not in it. */
  readonly presharedKeys: ReadonlyMap<string, Uint8Array>;
}

/** Reads a client's file and its keys. @throws ConfigError that lists every fault. */
export function loadClientConfig(file: string): { config: ClientConfig; keys: ClientKeys } {
  const document = requireRole(readDocument(file), "client");
  const files = new KeyFiles(document, ["client", "privateKeyFile"]);
  const common = files.read(["client", "presharedKeyFile"]);
  const several = Array.from({ length: countAt(document.raw, ["concentrator"]) }, (_, index) => index);
  const tables = several.length === 0 ? [["concentrator"]] : several.map((index) => ["concentrator", index]);
  const presharedKeys = tables.map((table) => files.read([...table, "presharedKeyFile"]) ?? common);
  files.forbidOwn(["concentrator", "publicKey"]);
  files.forbidOwn(["concentrator", "*", "publicKey"]);
  const config = clientConfig(document, files.faults);
  return { config, keys: { ...identityOf(files), presharedKeys } };
}

/** Reads a concentrator's file and its keys. @throws ConfigError that lists every fault. */
export function loadConcentratorConfig(file: string): { config: ConcentratorConfig; keys: ConcentratorKeys } {
  const document = requireRole(readDocument(file), "concentrator");
  const files = new KeyFiles(document, ["concentrator", "privateKeyFile"]);
  const presharedKeys = new Map<string, Uint8Array>();
  for (const { path } of entriesAt(document.raw, ["client", "*", "presharedKeyFile"])) {
    const key = files.read(path);
    const name = valueAt(document.raw, [...path.slice(0, -1), "name"]);
    if (key !== null && typeof name === "string") presharedKeys.set(name, key);
  }
  files.forbidOwn(["client", "*", "publicKey"]);
  const config = concentratorConfig(document, files.faults);
  return { config, keys: { ...identityOf(files), presharedKeys } };
}

/** A file that has been found good, with its role. */
export type CheckedConfig =
  | { readonly role: "client"; readonly config: ClientConfig }
  | { readonly role: "concentrator"; readonly config: ConcentratorConfig };

/** Finds out whose file it is and checks it with its keys. @throws ConfigError that lists every fault. */
export function checkConfigFile(file: string): CheckedConfig {
  const role = roleOf(readDocument(file));
  if (role === "client") return { role, config: loadClientConfig(file).config };
  return { role, config: loadConcentratorConfig(file).config };
}

/** The same for a text, without its key files: for examples. @throws ConfigError that lists every fault. */
export function checkConfigText(text: string, file: string): CheckedConfig {
  const document = parseDocument(text, file);
  const role = roleOf(document);
  if (role === "client") return { role, config: clientConfig(document, []) };
  return { role, config: concentratorConfig(document, []) };
}

function clientConfig(document: ConfigDocument, keyFaults: readonly RawFault[]): ClientConfig {
  const { uplinks, uplink, concentrator, fallback, ...rest } = validate(document, CLIENT_RULES, keyFaults);
  throwIfAny(document, bondingPushFaults(rest.bonding));
  const resolved = resolveFallback(fallback, rest.client);
  return {
    ...rest,
    concentrators: concentrator,
    fallback: resolved,
    uplinks: uplink ?? uplinks ?? [],
    otherUplinks: uplink !== undefined && uplinks !== undefined,
  };
}

function concentratorConfig(document: ConfigDocument, keyFaults: readonly RawFault[]): ConcentratorConfig {
  const config = validate(document, CONCENTRATOR_RULES, keyFaults);
  throwIfAny(document, pushFaults(config));
  return config;
}

/** What can only be judged when everything else is well. */
function throwIfAny(document: ConfigDocument, faults: readonly RawFault[]): void {
  if (faults.length > 0) throw new ConfigError(document.file, locateFaults(document, faults));
}

/** A private key that could not be read has thrown as a fault before. */
function identityOf(files: KeyFiles): IdentityKeys {
  if (files.identity === null) throw new Error("the private key was not read, and no fault was found with it");
  return files.identity;
}
