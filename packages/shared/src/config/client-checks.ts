import { parseIpAddress } from "../packet/index.ts";
import type { CrossCheck } from "./cross-checks.ts";
import { countAt, entriesAt, valueAt } from "./document.ts";
import type { KeyPath, RawFault } from "./fault.ts";

/** Rules about the lines and what names them. */
export const UPLINK_CHECKS: readonly CrossCheck[] = [
  uplinksGiven,
  sharedDevicesHaveSources,
  gatewaysFitSources,
  linksAreUplinks,
];

function uplinksGiven(raw: unknown): RawFault[] {
  if (isAutomatic(raw) || countAt(raw, ["uplink"]) > 0) return [];
  const remedy = 'Write uplinks = "auto" above all tables, or an [[uplink]] table for every line.';
  return [{ path: ["uplink"], problem: "is missing: no uplink is given", remedy }];
}

/** Devices that no table names are uplinks too, if they have a default route. */
function isAutomatic(raw: unknown): boolean {
  return valueAt(raw, ["uplinks"]) !== undefined;
}

/** Two uplinks of one device are told apart by their source addresses. */
function sharedDevicesHaveSources(raw: unknown): RawFault[] {
  const devices = entriesAt(raw, ["uplink", "*", "device"]);
  return devices.flatMap(({ path, text }) => {
    const isShared = devices.filter((other) => other.text === text).length > 1;
    if (!isShared || valueAt(raw, [...path.slice(0, -1), "source"]) !== undefined) return [];
    return [{ path, problem: "is shared with another uplink", remedy: "Give each of them its own source address." }];
  });
}

function gatewaysFitSources(raw: unknown): RawFault[] {
  return entriesAt(raw, ["uplink", "*", "gateway"]).flatMap(({ path, text }) => {
    const source = valueAt(raw, [...path.slice(0, -1), "source"]);
    const sourceBytes = typeof source === "string" ? parseIpAddress(source) : null;
    const gatewayBytes = parseIpAddress(text);
    if (sourceBytes === null || gatewayBytes === null || sourceBytes.length === gatewayBytes.length) return [];
    const remedy = "Source and gateway are both IPv4 or both IPv6: make two uplinks of a line with both.";
    return [{ path, problem: "is not of the same IP version as source", remedy }];
  });
}

/** Settings for a link that is no uplink would never have an effect. With automatic uplinks any name may come. */
function linksAreUplinks(raw: unknown): RawFault[] {
  const uplinks = entriesAt(raw, ["uplink", "*", "name"]).map(({ text }) => text);
  if (uplinks.length === 0 || isAutomatic(raw)) return [];
  const remedy = `Name an uplink: ${uplinks.join(", ")}.`;
  return linkPaths(raw)
    .filter((path) => !uplinks.includes(String(path.at(-1))))
    .map((path) => ({ path, problem: "is no uplink of this file", remedy }));
}

/** Every link that [bonding] has settings for: of all policies, of one policy, of a custom one. */
function linkPaths(raw: unknown): KeyPath[] {
  const policies = [...keysAt(raw, ["bonding"]), ...keysAt(raw, ["bonding", "policies"])];
  const lists = [["bonding", "links"], ...policies.map((path) => [...path, "links"])];
  return lists.flatMap((path) => keysAt(raw, path));
}

function keysAt(raw: unknown, path: KeyPath): KeyPath[] {
  const value = valueAt(raw, path);
  return typeof value === "object" && value !== null ? Object.keys(value).map((key) => [...path, key]) : [];
}
