import { countMembers } from "./mask.ts";
import type { MemberTable } from "./members.ts";
import type { BondSettings, LinkSettings } from "./settings.ts";

/**
 * Which of the usable members a policy may choose from.
 *
 * Source: "Specifying links" of ZeroTier's multipath manual. Links that are listed are the only ones used; primaries carry
 * the traffic; a failed link is replaced by its failoverTo, and by that one's if it has failed too. Without any failoverTo,
 * the spares come in when no primary is left; with one, links that no rule names go unused.
 * In active-backup the policy itself weighs primary against spares, so it gets all links that fit the rules.
 */
export function selectMembers(members: MemberTable, usable: number, settings: BondSettings): number {
  const links = linksOf(members, settings);
  const allowed = members.where(({ link, ipVersion, name }, index) => {
    if ((usable & (1 << index)) === 0 || !link.enabled || !links.has(name)) return false;
    return suitsVersion(members, usable, name, link, ipVersion);
  });
  const selected =
    settings.basePolicy === "active-backup" ? candidates(members, allowed, links) : carriers(members, allowed, links);
  return countMembers(selected) < settings.minLinks ? 0 : selected;
}

/** The links this bond uses, whether they have a member at the moment or not. */
function linksOf(members: MemberTable, settings: BondSettings): Map<string, LinkSettings> {
  const links = new Map(Object.entries(settings.links));
  if (links.size > 0) return links;
  members.where(({ name, link }) => {
    links.set(name, link);
    return false;
  });
  return links;
}

function suitsVersion(members: MemberTable, usable: number, name: string, link: LinkSettings, version: 4 | 6): boolean {
  if (link.ipvPref === 0) return true;
  const preferred = link.ipvPref === 4 || link.ipvPref === 46 ? 4 : 6;
  if (version === preferred) return true;
  if (link.ipvPref === 4 || link.ipvPref === 6) return false;
  const better = members.where((other) => other.name === name && other.ipVersion === preferred);
  return (better & usable) === 0;
}

function hasRules(links: Map<string, LinkSettings>): boolean {
  return [...links.values()].some((link) => link.failoverTo !== null);
}

function candidates(members: MemberTable, allowed: number, links: Map<string, LinkSettings>): number {
  if (!hasRules(links)) return allowed;
  const targets = new Set([...links.values()].map((link) => link.failoverTo));
  return allowed & members.where(({ name, link }) => link.mode !== "spare" || targets.has(name));
}

function carriers(members: MemberTable, allowed: number, links: Map<string, LinkSettings>): number {
  let selected = allowed & members.where(({ link }) => link.mode !== "spare");
  for (const [name, link] of links) {
    const hasFailed = link.enabled && link.mode !== "spare" && (members.ofLink(name) & allowed) === 0;
    if (hasFailed) selected |= replacement(members, allowed, links, link);
  }
  return selected === 0 && !hasRules(links) ? allowed : selected;
}

/** Follows failoverTo to the first link that works. */
function replacement(
  members: MemberTable,
  allowed: number,
  links: Map<string, LinkSettings>,
  failed: LinkSettings,
): number {
  let target = failed.failoverTo;
  for (let steps = 0; target !== null && steps < links.size; steps++) {
    const working = members.ofLink(target) & allowed;
    if (working !== 0) return working;
    target = links.get(target)?.failoverTo ?? null;
  }
  return 0;
}
