import * as z from "zod";
import {
  type BondSettings,
  DEFAULT_POLICY,
  defaultBondSettings,
  defaultLinkSettings,
  type LinkSettings,
  type PolicyName,
  STANDARD_POLICIES,
} from "../bond/index.ts";
import {
  BondingDocument,
  type BondingSettings,
  isPolicyKey,
  knownBondingKeys,
  type LinkDocument,
  type PolicyDocument,
} from "./bonding-document.ts";
import { bondingFaults } from "./bonding-rules.ts";
import type { RawFault } from "./fault.ts";
import { schemaFaults } from "./schema-faults.ts";

export type { BondingSettings } from "./bonding-document.ts";

/** Shortest failover interval: two probes of 20 ms. ZeroTier's 0 means as fast as it goes. */
const MIN_FAILOVER_MS = 40;
/** A probe comes four times per failover interval (ZeroTier's rule), within these bounds. */
const MIN_PROBE_MS = 10;
const MAX_PROBE_MS = 1000;

type Parsed =
  | { readonly ok: true; readonly settings: BondingSettings }
  | { readonly ok: false; readonly faults: readonly RawFault[] };

/** Checks the [bonding] table, ZeroTier's `settings`. All faults are given at once; their paths start inside the table. */
export function parseBondingSettings(raw: unknown): Parsed {
  const result = BondingDocument.safeParse(raw);
  const shapeFaults = schemaFaults(raw, result.error?.issues ?? [], knownBondingKeys).map(placedInPolicy);
  const faults = [...shapeFaults, ...bondingFaults(raw)];
  return result.success && faults.length === 0 ? { ok: true, settings: result.data } : { ok: false, faults };
}

/** RouterOS has one flat table; here the keys of a policy stand in a table of their own. */
function placedInPolicy(fault: RawFault): RawFault {
  const [key, ...deeper] = fault.path;
  if (deeper.length > 0 || typeof key !== "string" || !isPolicyKey(key)) return fault;
  const remedy = `Write it in the table of the policy it is for, as ${key} in [bonding.balance-xor].`;
  return { path: fault.path, problem: "is a key of a policy, not of [bonding] itself", remedy };
}

/** The same as a part of a file's schema. What it gives can be parsed by it again, also after JSON. */
export const BondingSchema = z.unknown().transform((raw, context): BondingSettings => {
  const parsed = parseBondingSettings(raw);
  if (parsed.ok) return parsed.settings;
  for (const { path, problem, remedy } of parsed.faults) {
    context.addIssue({ code: "custom", path: [...path], message: problem, params: { remedy } });
  }
  return z.NEVER;
});

/**
 * What the bond with one peer is to do, with all defaults.
 *
 * @param settings undefined: nothing is configured. @param peer its name, for peerSpecificBonds.
 */
export function resolveBond(settings: BondingSettings | undefined, peer?: string): BondSettings {
  const specific = Object.entries(settings?.peerSpecificBonds ?? {}).find(([name]) => name === peer)?.[1];
  const name = specific ?? settings?.defaultBondingPolicy ?? DEFAULT_POLICY;
  const standard = STANDARD_POLICIES.find((policy) => policy === name);
  const custom = settings?.policies?.[name];
  const basePolicy = standard ?? custom?.basePolicy ?? DEFAULT_POLICY;
  const section = standard === undefined ? custom : settings?.[standard];
  return resolvePolicy(name, basePolicy, section ?? {}, section?.links ?? settings?.links ?? {});
}

function resolveLink(link: LinkDocument, bond: BondSettings): LinkSettings {
  const defaults = defaultLinkSettings(bond);
  return {
    mode: link.mode ?? null,
    failoverTo: link.failoverTo ?? null,
    speed: link.speed ?? null,
    alloc: link.alloc ?? null,
    ipvPref: link.ipvPref ?? defaults.ipvPref,
    enabled: link.enabled ?? true,
    failoverIntervalMs: failoverMs(link.failoverInterval) ?? defaults.failoverIntervalMs,
    upDelayMs: link.upDelay ?? defaults.upDelayMs,
    downDelayMs: link.downDelay ?? defaults.downDelayMs,
  };
}

function resolvePolicy(
  policy: string,
  basePolicy: PolicyName,
  section: Partial<PolicyDocument>,
  links: Record<string, LinkDocument>,
): BondSettings {
  const defaults = defaultBondSettings(basePolicy);
  const failoverIntervalMs = failoverMs(section.failoverInterval) ?? defaults.failoverIntervalMs;
  const bond: BondSettings = {
    policy,
    basePolicy,
    packetsPerLink: section.packetsPerLink ?? defaults.packetsPerLink,
    transmitHashPolicy: section.transmitHashPolicy ?? defaults.transmitHashPolicy,
    linkSelectMethod: section.linkSelectMethod ?? defaults.linkSelectMethod,
    primary: section.primary ?? primaryOf(basePolicy, section, links),
    dedup: section.dedup ?? defaults.dedup,
    balancePolicy: section.balancePolicy ?? defaults.balancePolicy,
    minLinks: section.minLinks ?? defaults.minLinks,
    quality: section.quality ?? defaults.quality,
    failoverIntervalMs,
    upDelayMs: section.upDelay ?? defaults.upDelayMs,
    downDelayMs: section.downDelay ?? defaults.downDelayMs,
    monitorStrategy: section.monitorStrategy ?? defaults.monitorStrategy,
    probeIntervalMs: section.probeInterval ?? probeMs(failoverIntervalMs),
    evictRttMs: section.evictRttMs ?? defaults.evictRttMs,
    evictRttFactor: section.evictRttFactor ?? defaults.evictRttFactor,
    evictPlrRatio: section.evictPlr ?? defaults.evictPlrRatio,
    resequencing: section.resequencing ?? defaults.resequencing,
    maxHoldMs: section.maxHoldMs ?? defaults.maxHoldMs,
    realtime: section.realtime ?? defaults.realtime,
    links: {},
  };
  return {
    ...bond,
    links: Object.fromEntries(Object.entries(links).map(([name, link]) => [name, resolveLink(link, bond)])),
  };
}

/** The primary that the links name; the first of a list that names none, as in RouterOS, unless any may be better. */
function primaryOf(
  basePolicy: PolicyName,
  section: Partial<PolicyDocument>,
  links: Record<string, LinkDocument>,
): string | null {
  if (basePolicy !== "active-backup") return null;
  const named = Object.entries(links).find(([, link]) => link.mode === "primary");
  if (named !== undefined || section.linkSelectMethod === "optimize") return named?.[0] ?? null;
  return Object.entries(links).find(([, link]) => link.enabled !== false && link.mode !== "spare")?.[0] ?? null;
}

function failoverMs(given: number | undefined): number | undefined {
  return given === undefined ? undefined : Math.max(MIN_FAILOVER_MS, given);
}

function probeMs(failoverIntervalMs: number): number {
  return Math.min(MAX_PROBE_MS, Math.max(MIN_PROBE_MS, Math.floor(failoverIntervalMs / 4)));
}
