export type { BondSettings } from "../bond/index.ts";
export { type BondingSettings, resolveBond } from "./bonding-settings.ts";
export type { UplinkConfig } from "./client-config.ts";
export { closestWord } from "./closest-word.ts";
export type { ConcentratorClientConfig } from "./concentrator-config.ts";
export { type Endpoint, formatEndpoint } from "./endpoint.ts";
export { ConfigError, type Fault } from "./fault.ts";
export type { Prefix } from "./ip-prefix.ts";
export type { IdentityKeys } from "./key-files.ts";
export {
  type CheckedConfig,
  type ClientConfig,
  type ClientKeys,
  type ConcentratorConfig,
  type ConcentratorKeys,
  checkConfigFile,
  checkConfigText,
  loadClientConfig,
  loadConcentratorConfig,
} from "./load-config.ts";
export {
  type AttachInfo,
  type ConfigPush,
  encodeAttachInfo,
  encodeBondingPush,
  encodeConfigPush,
  parseAttachInfo,
  parseBondingPush,
  parseConfigPush,
  pushFor,
} from "./peer-config.ts";
