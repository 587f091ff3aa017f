export type { BondSettings } from "../bond/index.ts";
export { type BondingSettings, resolveBond } from "./bonding-settings.ts";
export type { UplinkConfig } from "./client-config.ts";
export { closestWord } from "./closest-word.ts";
export { type ConcentratorClientConfig, joinedClientConfig } from "./concentrator-config.ts";
export { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
export {
  type EnrolReply,
  type EnrolRequest,
  encodeEnrolReply,
  encodeEnrolRequest,
  MAX_ENROLLED_NETWORKS,
  MAX_TOLD_NETWORKS,
  parseEnrolReply,
  parseEnrolRequest,
} from "./enrolment.ts";
export { ConfigError, type Fault } from "./fault.ts";
export { decodeInvite, encodeInvite, type Invite, keysOfInvite } from "./invite.ts";
export { containsPrefix, isHostOf, isPrivate, networkText, overlap, type Prefix, parsePrefix } from "./ip-prefix.ts";
export {
  encodeRegister,
  type JoinedClient,
  type Register,
  readRegister,
  registerFile,
  type StoredInvite,
} from "./joined-clients.ts";
export { readKeyFile } from "./key-file.ts";
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
  encodePushFor,
  parseAttachInfo,
  parseBondingPush,
  parseConfigPush,
  pushFor,
} from "./peer-config.ts";
