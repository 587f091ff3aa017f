import type { Change } from "./change.ts";
import type { Runner } from "./command.ts";
import {
  type AddressFact,
  type LinkFact,
  type RouteFact,
  type RuleFact,
  readAddresses,
  readLinks,
  readOwnRoutes,
  readOwnUnreachable,
  readRules,
  type UnreachableFact,
} from "./kernel-state.ts";

/** What the kernel has now, of the things that can get lost while we run. */
export interface Snapshot {
  readonly rules: readonly RuleFact[];
  /** Routes of our protocol number only. */
  readonly routes: readonly RouteFact[];
  readonly unreachable: readonly UnreachableFact[];
  readonly links: readonly LinkFact[];
  readonly addresses: readonly AddressFact[];
  /** Output of `nft list tables`. */
  readonly nftTables: string;
}

/** Reads what the given kinds of changes are compared with; the rest stays empty. */
export async function readSnapshot(runner: Runner, kinds: ReadonlySet<Change["kind"]>): Promise<Snapshot> {
  const [rules, routes, unreachable, links, addresses, nftTables] = await Promise.all([
    kinds.has("rule") ? readRules(runner) : [],
    kinds.has("route") ? readOwnRoutes(runner) : [],
    kinds.has("unreachable") ? readOwnUnreachable(runner) : [],
    kinds.has("link") || kinds.has("bridge") ? readLinks(runner) : [],
    kinds.has("address") ? readAddresses(runner) : [],
    kinds.has("nft") ? runner.run("nft", ["list", "tables"]) : "",
  ]);
  return { rules, routes, unreachable, links, addresses, nftTables };
}
