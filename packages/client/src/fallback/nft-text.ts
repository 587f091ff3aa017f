import { parsePrefix } from "@wanbond/shared/system";

/** Multicast, broadcast, link-local: never the internet. */
export const NEVER_FAR = ["224.0.0.0/4", "255.255.255.255/32", "169.254.0.0/16", "ff00::/8", "fe80::/10"];

/** A set of those of the networks that are of this family. */
export function addressSet(name: string, family: 4 | 6, networks: readonly string[]): string[] {
  const own = [...new Set(networks)].filter((network) => parsePrefix(network).family === family).sort();
  const elements = own.length === 0 ? [] : [`elements = { ${own.join(", ")} }`];
  return [`set ${name} {`, `type ipv${family}_addr; flags interval; auto-merge;`, ...elements, "}"];
}

/** Device names as the elements of a set, each once. */
export function quoted(names: readonly string[]): string {
  return [...new Set(names)]
    .sort()
    .map((name) => `"${name}"`)
    .join(", ");
}
