import { DEFAULT_POLICY, type PolicyName, STANDARD_POLICIES } from "../bond/index.ts";
import { ALIASES, type PolicyKey } from "./bonding-document.ts";
import { linkFaults, linkListFaults, type Table, tableOf, unusedLinkKeys } from "./bonding-link-rules.ts";
import { closestWord } from "./closest-word.ts";
import type { KeyPath, RawFault } from "./fault.ts";
import { showValue } from "./fields.ts";

/** One policy of the document, as it stands there. */
interface Section {
  readonly path: KeyPath;
  readonly name: string;
  readonly base: PolicyName;
  readonly keys: Table;
  /** The links it uses: its own, or those of the whole document. */
  readonly links: Table;
}

const FLOW_POLICIES: readonly PolicyName[] = ["balance-xor", "balance-aware"];
/** Keys that work in some policies only; all others work in every one. */
const ONLY_IN: Partial<Record<PolicyKey, readonly PolicyName[]>> = {
  packetsPerLink: ["balance-rr"],
  transmitHashPolicy: FLOW_POLICIES,
  balancePolicy: ["balance-aware"],
  linkSelectMethod: ["active-backup"],
  primary: ["active-backup"],
  dedup: ["broadcast"],
  quality: ["active-backup", "balance-aware"],
  realtime: ["aggregate"],
};

/**
 * What is wrong in a [bonding] document beyond the shape of single values. Works on the raw document, so that these faults
 * are told together with those of the shapes; what has the wrong shape is passed over here.
 */
export function bondingFaults(raw: unknown): RawFault[] {
  const document = tableOf(raw);
  const shared = tableOf(document.get("links"));
  const sections = sectionsOf(document, shared);
  const used = usedSections(document, sections, shared);
  const inheriting = used.filter(({ keys }) => !keys.has("links"));
  const inheritingBases = inheriting.map(({ base }) => base);
  return [
    ...nameFaults(document),
    ...aliasFaults([], document, new Map([["mode", "defaultBondingPolicy"]])),
    ...sections.flatMap((section) => sectionFaults(section)),
    ...linkListFaults(["links"], shared, inheritingBases),
    ...unusedLinkKeys(["links"], shared, inheritingBases),
    ...inheriting.flatMap((section) => linkFaults(["links"], section.base, section.links)),
  ];
}

function baseNamed(name: unknown): PolicyName | undefined {
  return STANDARD_POLICIES.find((standard) => standard === name);
}

function sectionsOf(document: Table, shared: Table): Section[] {
  const custom = [...tableOf(document.get("policies"))].map(([name, value]) => ({
    path: ["policies", name],
    name,
    base: baseNamed(tableOf(value).get("basePolicy")),
    keys: tableOf(value),
  }));
  const standard = STANDARD_POLICIES.map((name) => ({
    path: [name],
    name,
    base: name,
    keys: tableOf(document.get(name)),
  }));
  return [...standard, ...custom].flatMap(({ base, ...section }) => {
    if (base === undefined) return [];
    const links = section.keys.has("links") ? tableOf(section.keys.get("links")) : shared;
    return [{ ...section, base, links }];
  });
}

/** The policies that peers get; those that are only defined do not count. */
function usedSections(document: Table, sections: readonly Section[], shared: Table): Section[] {
  const chosen = document.get("defaultBondingPolicy") ?? document.get("mode") ?? DEFAULT_POLICY;
  const names = new Set([chosen, ...tableOf(document.get("peerSpecificBonds")).values()]);
  return sections.filter(({ name }) => names.has(name) && shared.size > 0);
}

function nameFaults(document: Table): RawFault[] {
  const custom = [...tableOf(document.get("policies")).keys()];
  const known = [...STANDARD_POLICIES, ...custom];
  const unknown = (path: KeyPath, name: unknown): RawFault[] => {
    if (typeof name !== "string" || known.includes(name)) return [];
    const close = closestWord(name, known);
    const hint = close === null ? "" : `Did you mean "${close}"? `;
    return [
      { path, problem: `is ${showValue(name)}, which is no policy`, remedy: `${hint}There are: ${known.join(", ")}.` },
    ];
  };
  const doubled = custom.filter((name) => baseNamed(name) !== undefined);
  return [
    ...unknown(["defaultBondingPolicy"], document.get("defaultBondingPolicy")),
    ...unknown(["mode"], document.get("mode")),
    ...[...tableOf(document.get("peerSpecificBonds"))].flatMap(([peer, name]) =>
      unknown(["peerSpecificBonds", peer], name),
    ),
    ...doubled.map((name) => ({
      path: ["policies", name],
      problem: "has the name of a standard policy",
      remedy: `Give it another name, or set its keys in the table "${name}" beside "policies".`,
    })),
  ];
}

function aliasFaults(path: KeyPath, keys: Table, aliases: ReadonlyMap<string, string>): RawFault[] {
  return [...keys.keys()].flatMap((key) => {
    const first = [...keys.keys()].find((other) => (aliases.get(other) ?? other) === (aliases.get(key) ?? key));
    if (first === undefined || first === key) return [];
    return [
      { path: [...path, key], problem: `is another name of ${first}, which is there too`, remedy: "Keep one of them." },
    ];
  });
}

function sectionFaults(section: Section): RawFault[] {
  const { path, keys, base, links } = section;
  const own = keys.has("links")
    ? [...linkListFaults([...path, "links"], links, [base]), ...unusedLinkKeys([...path, "links"], links, [base])]
    : [];
  return [
    ...aliasFaults(path, keys, ALIASES),
    ...[...keys.keys()].flatMap((key) => effectFaults(section, key)),
    ...qualityFaults(section),
    ...intervalFaults(section),
    ...primaryFaults(section),
    ...minLinksFaults(section),
    ...own,
    ...(keys.has("links") ? linkFaults([...path, "links"], base, links) : []),
  ];
}

function valueFor(section: Section, key: PolicyKey): unknown {
  for (const [typed, value] of section.keys) if ((ALIASES.get(typed) ?? typed) === key) return value;
  return undefined;
}

function effectFaults(section: Section, typed: string): RawFault[] {
  const key = ALIASES.get(typed) ?? typed;
  const where = whereWithoutEffect(section, key);
  if (where === null) return [];
  return [{ path: [...section.path, typed], problem: `has no effect ${where.problem}`, remedy: where.remedy }];
}

/** null: it has an effect. */
function whereWithoutEffect(section: Section, key: string): { problem: string; remedy: string } | null {
  const { base } = section;
  const only = Object.entries(ONLY_IN).find(([name]) => name === key)?.[1];
  if (only !== undefined && !only.includes(base)) {
    return { problem: `in ${base}`, remedy: `Remove it; it works in ${only.join(" and ")}.` };
  }
  if (key === "transmitHashPolicy" && valueFor(section, "balancePolicy") === "packet") {
    return { problem: 'with balancePolicy = "packet"', remedy: "Remove it; frames are not told apart by flow." };
  }
  if (
    key === "quality" &&
    base === "balance-aware" &&
    [...section.links.values()].some((link) => tableOf(link).has("alloc"))
  ) {
    return { problem: "beside alloc", remedy: "Remove it, or give speed instead of alloc." };
  }
  if (key === "maxHoldMs" && !putsInOrder(section)) {
    return { problem: "without resequencing", remedy: 'Remove it, or set resequencing = "on".' };
  }
  if (key === "resequencing" && valueFor(section, key) === "on" && valueFor(section, "dedup") === false) {
    return { problem: "with dedup = false", remedy: "Remove one of them: putting frames in order removes duplicates." };
  }
  return null;
}

function putsInOrder(section: Section): boolean {
  const mode = valueFor(section, "resequencing");
  if (mode === "on" || mode === "off") return mode === "on";
  if (section.base === "broadcast") return valueFor(section, "dedup") !== false;
  return (
    section.base === "balance-rr" || section.base === "aggregate" || valueFor(section, "balancePolicy") === "packet"
  );
}

function qualityFaults(section: Section): RawFault[] {
  const weights = [...tableOf(section.keys.get("quality")).values()].filter((weight) => typeof weight === "number");
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!section.keys.has("quality") || Math.abs(total - 1) < 1e-6) return [];
  const problem = `has weights that total ${Number(total.toFixed(6))}`;
  return [{ path: [...section.path, "quality"], problem, remedy: "Make them total 1; those left out are 0." }];
}

/** Two probes must fit, or a single lost one fails a link. */
function intervalFaults(section: Section): RawFault[] {
  const probe = valueFor(section, "probeInterval");
  const failover = valueFor(section, "failoverInterval") ?? 400;
  if (typeof probe !== "number" || typeof failover !== "number" || probe * 2 <= failover) return [];
  const problem = `is ${probe}, more than half of failoverInterval (${failover})`;
  const remedy = "Make it a quarter of failoverInterval, or leave it out: it follows.";
  return [{ path: [...section.path, "probeInterval"], problem, remedy }];
}

function primaryFaults(section: Section): RawFault[] {
  const primary = valueFor(section, "primary");
  if (typeof primary !== "string" || section.links.size === 0) return [];
  const path = [...section.path, "primary"];
  const link = section.links.get(primary);
  if (link === undefined) {
    const remedy = `Name one of the links: ${[...section.links.keys()].join(", ")}.`;
    return [{ path, problem: `is ${showValue(primary)}, which is not among the links`, remedy }];
  }
  if (tableOf(link).get("mode") === "spare") {
    return [{ path, problem: `is ${showValue(primary)}, whose mode is "spare"`, remedy: "Change one of the two." }];
  }
  const other = [...section.links].find(
    ([name, settings]) => name !== primary && tableOf(settings).get("mode") === "primary",
  );
  if (other === undefined) return [];
  return [
    {
      path,
      problem: `is ${showValue(primary)}, but the mode of ${other[0]} is "primary"`,
      remedy: "Keep one primary.",
    },
  ];
}

function minLinksFaults(section: Section): RawFault[] {
  const min = valueFor(section, "minLinks");
  const enabled = [...section.links.values()].filter((link) => tableOf(link).get("enabled") !== false).length;
  if (typeof min !== "number" || section.links.size === 0 || min <= enabled) return [];
  const problem = `is ${min}, but only ${enabled} links are enabled`;
  const typed = [...section.keys.keys()].find((key) => (ALIASES.get(key) ?? key) === "minLinks") ?? "minLinks";
  return [{ path: [...section.path, typed], problem, remedy: "The bond would never carry anything: lower it." }];
}
