import type { PolicyName } from "../bond/index.ts";
import type { KeyPath, RawFault } from "./fault.ts";
import { showValue } from "./fields.ts";

/** A table of the raw document; empty for what is no table. */
export type Table = ReadonlyMap<string, unknown>;

/** Policies that share traffic out by weight. */
const WEIGHING: readonly PolicyName[] = ["balance-rr", "balance-xor", "balance-aware"];

/** `speed` is a weight to some, of which all need one, and an upper limit to others. */
const LIMITING: readonly PolicyName[] = ["aggregate"];

/** What is wrong in a list of links. @param bases the policies that use it. */
export function linkListFaults(path: KeyPath, links: Table, bases: readonly PolicyName[]): RawFault[] {
  const onlyLimits = bases.length > 0 && bases.every((base) => LIMITING.includes(base));
  return [
    ...[...links].flatMap(([name, link]) => failoverFaults(path, links, name, tableOf(link))),
    ...(onlyLimits ? [] : givenForAll(path, links, "speed")),
    ...givenForAll(path, links, "alloc"),
    ...allocFaults(path, links),
    ...speedBesideAlloc(path, links),
    ...allDisabled(path, links),
  ];
}

/** What is wrong with them in one policy. */
export function linkFaults(path: KeyPath, base: PolicyName, links: Table): RawFault[] {
  const primaries = [...links].filter(([, link]) => tableOf(link).get("mode") === "primary").map(([name]) => name);
  if (base !== "active-backup" || primaries.length < 2) return [];
  const remedy = 'Keep mode = "primary" on one of them and make the others "spare".';
  return primaries.slice(1).map((name) => ({
    path: [...path, name, "mode"],
    problem: `is "primary", as that of ${primaries[0]} is; active-backup has one primary`,
    remedy,
  }));
}

/** Keys that have no effect in any of the policies. */
export function unusedLinkKeys(path: KeyPath, links: Table, bases: readonly PolicyName[]): RawFault[] {
  if (bases.length === 0) return [];
  const users = { speed: [...WEIGHING, ...LIMITING], alloc: WEIGHING };
  return [...links].flatMap(([name, link]) =>
    Object.entries(users)
      .filter(([key, policies]) => tableOf(link).has(key) && !bases.some((base) => policies.includes(base)))
      .map(([key, policies]) => ({
        path: [...path, name, key],
        problem: `has no effect in ${bases.join(" and ")}`,
        remedy: `Remove it; it works in ${policies.join(", ")}.`,
      })),
  );
}

function failoverFaults(path: KeyPath, links: Table, name: string, link: Table): RawFault[] {
  const target = link.get("failoverTo");
  if (typeof target !== "string") return [];
  const fault = (problem: string, remedy: string) => [{ path: [...path, name, "failoverTo"], problem, remedy }];
  if (link.get("mode") === "spare") return fault("stands on a spare", "Only primaries fail over: remove it.");
  if (target === name) return fault("names the link itself", "Name another link.");
  const other = links.get(target);
  if (other === undefined) {
    return fault(
      `is ${showValue(target)}, which is not among the links`,
      `There are: ${[...links.keys()].join(", ")}.`,
    );
  }
  if (tableOf(other).get("enabled") === false) return fault(`is ${showValue(target)}, which is disabled`, "Enable it.");
  return [];
}

function enabledLinks(links: Table): [string, Table][] {
  return [...links]
    .map(([name, link]): [string, Table] => [name, tableOf(link)])
    .filter(([, link]) => link.get("enabled") !== false);
}

function givenForAll(path: KeyPath, links: Table, key: "speed" | "alloc"): RawFault[] {
  const enabled = enabledLinks(links);
  const without = enabled.filter(([, link]) => !link.has(key));
  if (without.length === 0 || without.length === enabled.length) return [];
  return without.map(([name]) => ({
    path: [...path, name],
    problem: `has no ${key}, but other links have`,
    remedy: `Give ${key} for all links or for none.`,
  }));
}

/** Fractions total 1; or whole numbers, which are relative. */
function allocFaults(path: KeyPath, links: Table): RawFault[] {
  const values = [...links].flatMap(([name, link]) => {
    const alloc = tableOf(link).get("alloc");
    return typeof alloc === "number" ? [{ name, alloc }] : [];
  });
  const fractions = values.filter(({ alloc }) => !Number.isInteger(alloc));
  if (fractions.length === 0) return [];
  const remedy = "Write fractions that total 1 on all links, or whole numbers from 0 to 255.";
  const wholes = values.filter(({ alloc }) => alloc > 1);
  if (wholes.length > 0) {
    return wholes.map(({ name, alloc }) => ({
      path: [...path, name, "alloc"],
      problem: `is ${alloc} beside fractions`,
      remedy,
    }));
  }
  const total = values.reduce((sum, { alloc }) => sum + alloc, 0);
  if (Math.abs(total - 1) < 0.001) return [];
  return [{ path, problem: `have alloc fractions that total ${Number(total.toFixed(6))}`, remedy }];
}

function speedBesideAlloc(path: KeyPath, links: Table): RawFault[] {
  return [...links].flatMap(([name, link]) => {
    if (!tableOf(link).has("speed") || !tableOf(link).has("alloc")) return [];
    return [{ path: [...path, name, "speed"], problem: "has no effect beside alloc", remedy: "Keep one of the two." }];
  });
}

function allDisabled(path: KeyPath, links: Table): RawFault[] {
  if (links.size === 0 || enabledLinks(links).length > 0) return [];
  return [{ path, problem: "are all disabled", remedy: "Enable one, or remove the list to use every uplink." }];
}

export function tableOf(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : new Map();
}
