import * as z from "zod";
import { parseRealtimeRule } from "../aggregate/index.ts";
import {
  BALANCE_POLICIES,
  IPV_PREFERENCES,
  LINK_SELECT_METHODS,
  MONITOR_STRATEGIES,
  RESEQUENCING_MODES,
  STANDARD_POLICIES,
} from "../bond/index.ts";
import { parseTransmitHashPolicy, TRANSMIT_HASH_POLICIES } from "../packet/index.ts";
import { flag, memberName, oneOf, showValue } from "./fields.ts";

/**
 * The keys of [bonding] with their shapes: ZeroTier's `settings`, and the kernel's and MikroTik's names where only they have
 * the thing. What several keys say together is checked in bonding-rules.ts. docs/bond-policies.md explains each key.
 */

/** Longest time of ZeroTier's link keys, in ms. */
const MAX_INTERVAL_MS = 65_535;

function value<T>(read: (value: unknown) => T | undefined, expected: string, remedy: string) {
  return z.unknown().transform((given, context) => {
    const result = read(given);
    if (result !== undefined) return result;
    context.addIssue({
      code: "custom",
      message: `is ${showValue(given)}, which is not ${expected}`,
      params: { remedy },
    });
    return z.NEVER;
  });
}

function number(min: number, max: number, unit: string) {
  const read = (given: unknown) => (typeof given === "number" && given >= min && given <= max ? given : undefined);
  return value(read, `a number from ${min} to ${max}`, `Write a number from ${min} to ${max}${unit}, without quotes.`);
}

function integer(min: number, max: number, unit = "") {
  const read = (given: unknown) =>
    typeof given === "number" && Number.isInteger(given) && given >= min && given <= max ? given : undefined;
  return value(
    read,
    `a whole number from ${min} to ${max}`,
    `Write a whole number from ${min} to ${max}${unit}, without quotes.`,
  );
}

const milliseconds = (min: number, max = MAX_INTERVAL_MS) => integer(min, max, " milliseconds").optional();

const hashPolicy = value(
  (given) => (typeof given === "string" ? (parseTransmitHashPolicy(given) ?? undefined) : undefined),
  "a transmit hash policy",
  `Write one of ${TRANSMIT_HASH_POLICIES.map((name) => `"${name}"`).join(", ")}.`,
);

const ipvPref = value(
  (given) => IPV_PREFERENCES.find((preference) => preference === given),
  "an IP version preference",
  "Write 0 (any), 4 or 6 (only this one), 46 or 64 (the first is preferred).",
);

const realtimeRule = value(
  (given) => (typeof given === "string" && parseRealtimeRule(given) !== null ? given : undefined),
  "a rule for real-time traffic",
  'Write "udp 5060", "tcp 3478-3481", "dscp 34" or a network, as "192.0.2.0/24" or "2001:db8::7".',
);

const Link = z.strictObject({
  mode: oneOf("primary", "spare").optional(),
  failoverTo: memberName.optional(),
  speed: number(0, 1_000_000, "").optional(),
  alloc: number(0, 255, "").optional(),
  ipvPref: ipvPref.optional(),
  enabled: flag.optional(),
  failoverInterval: milliseconds(0),
  upDelay: milliseconds(0),
  downDelay: milliseconds(0),
});
export type LinkDocument = z.infer<typeof Link>;
const Links = z.record(memberName, Link);

const share = number(0, 1, "");
const Quality = z.strictObject({
  lat: share.default(0),
  ltm: share.default(0),
  pdv: share.default(0),
  plr: share.default(0),
  per: share.default(0),
  avl: share.default(0),
});

const shape = {
  failoverInterval: milliseconds(0),
  upDelay: milliseconds(0),
  downDelay: milliseconds(0),
  monitorStrategy: oneOf(...MONITOR_STRATEGIES).optional(),
  probeInterval: milliseconds(10),
  evictRttMs: milliseconds(0),
  evictRttFactor: number(0, 1000, "").optional(),
  evictPlr: number(0, 1, "").optional(),
  minLinks: integer(0, 30).optional(),
  resequencing: oneOf(...RESEQUENCING_MODES).optional(),
  maxHoldMs: milliseconds(1, 2000),
  links: Links.optional(),
  packetsPerLink: integer(0, MAX_INTERVAL_MS).optional(),
  transmitHashPolicy: hashPolicy.optional(),
  balancePolicy: oneOf(...BALANCE_POLICIES).optional(),
  linkSelectMethod: oneOf(...LINK_SELECT_METHODS).optional(),
  primary: memberName.optional(),
  dedup: flag.optional(),
  quality: Quality.optional(),
  realtime: z.array(realtimeRule).optional(),
};
export type PolicyKey = keyof typeof shape;

/** Other names of a key: ZeroTier's own second names, MikroTik's, the kernel's. */
export const ALIASES: ReadonlyMap<string, PolicyKey> = new Map([
  ["pathMonitorStrategy", "monitorStrategy"],
  ["activeReselect", "linkSelectMethod"],
  ["primary_reselect", "linkSelectMethod"],
  ["transmit-hash-policy", "transmitHashPolicy"],
  ["xmit_hash_policy", "transmitHashPolicy"],
  ["min-links", "minLinks"],
  ["min_links", "minLinks"],
  ["up-delay", "upDelay"],
  ["updelay", "upDelay"],
  ["down-delay", "downDelay"],
  ["downdelay", "downDelay"],
]);

const spelled = {
  ...shape,
  pathMonitorStrategy: shape.monitorStrategy,
  activeReselect: shape.linkSelectMethod,
  primary_reselect: shape.linkSelectMethod,
  "transmit-hash-policy": shape.transmitHashPolicy,
  xmit_hash_policy: shape.transmitHashPolicy,
  "min-links": shape.minLinks,
  min_links: shape.minLinks,
  "up-delay": shape.upDelay,
  updelay: shape.upDelay,
  "down-delay": shape.downDelay,
  downdelay: shape.downDelay,
};
const Spelled = z.strictObject(spelled);

/** One name for each key. */
function canonical(section: z.infer<typeof Spelled>) {
  return {
    failoverInterval: section.failoverInterval,
    upDelay: section.upDelay ?? section["up-delay"] ?? section.updelay,
    downDelay: section.downDelay ?? section["down-delay"] ?? section.downdelay,
    monitorStrategy: section.monitorStrategy ?? section.pathMonitorStrategy,
    probeInterval: section.probeInterval,
    evictRttMs: section.evictRttMs,
    evictRttFactor: section.evictRttFactor,
    evictPlr: section.evictPlr,
    minLinks: section.minLinks ?? section["min-links"] ?? section.min_links,
    resequencing: section.resequencing,
    maxHoldMs: section.maxHoldMs,
    links: section.links,
    packetsPerLink: section.packetsPerLink,
    transmitHashPolicy: section.transmitHashPolicy ?? section["transmit-hash-policy"] ?? section.xmit_hash_policy,
    balancePolicy: section.balancePolicy,
    linkSelectMethod: section.linkSelectMethod ?? section.activeReselect ?? section.primary_reselect,
    primary: section.primary,
    dedup: section.dedup,
    quality: section.quality,
    realtime: section.realtime,
  };
}

const Standard = Spelled.transform(canonical).optional();
const Custom = z
  .strictObject({ ...spelled, basePolicy: oneOf(...STANDARD_POLICIES) })
  .transform(({ basePolicy, ...section }) => ({ basePolicy, ...canonical(section) }));
export type PolicyDocument = ReturnType<typeof canonical>;

/** Any text: whether there is such a policy is checked with all names at hand. */
const policyName = value(
  (given) => (typeof given === "string" ? given : undefined),
  "the name of a policy",
  "Write it in quotes.",
).optional();

const Spelling = z.strictObject({
  defaultBondingPolicy: policyName,
  /** MikroTik's and the kernel's name for it. */
  mode: policyName,
  policies: z.record(z.string(), Custom).optional(),
  peerSpecificBonds: z.record(z.string(), policyName).optional(),
  /** For all policies that list none of their own. */
  links: Links.optional(),
  none: Standard,
  "active-backup": Standard,
  broadcast: Standard,
  "balance-rr": Standard,
  "balance-xor": Standard,
  "balance-aware": Standard,
  aggregate: Standard,
});

/** Checked settings as they go into a file or a push again: one name for each key, no defaults. */
export const BondingDocument = Spelling.transform(({ mode, defaultBondingPolicy, ...rest }) => ({
  defaultBondingPolicy: defaultBondingPolicy ?? mode,
  ...rest,
}));
export type BondingSettings = z.infer<typeof BondingDocument>;

/** The keys a table of the document may have, for suggestions. @param table path inside the document. */
export function knownBondingKeys(table: readonly (string | number)[]): readonly string[] {
  const [first, , third] = table;
  const inLinks = table.at(-2) === "links";
  if (inLinks) return Object.keys(Link.shape);
  if (table.at(-1) === "quality") return Object.keys(Quality.shape);
  if (table.length === 0) return Object.keys(Spelling.shape);
  if (first === "policies" && third === undefined) return ["basePolicy", ...Object.keys(shape)];
  return Object.keys(shape);
}

/** Whether a key, by any of its names, belongs to a policy; links may also stand outside of one. */
export function isPolicyKey(key: string): boolean {
  return key !== "links" && Object.keys(spelled).includes(key);
}
