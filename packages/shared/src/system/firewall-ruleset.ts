import * as z from "zod";

const Chain = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
});
export type Chain = z.infer<typeof Chain>;
const Rule = z.object({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  expr: z.array(z.record(z.string(), z.unknown())),
});
export type Rule = z.infer<typeof Rule>;
const Ruleset = z.object({
  nftables: z.array(z.object({ chain: Chain.optional(), rule: Rule.optional() })),
});

/** @param json output of `nft -j list ruleset`, in which iptables' own rules appear too. */
export function parseRuleset(json: unknown): { chains: Chain[]; rules: Rule[] } {
  const { nftables } = Ruleset.parse(json);
  const chains = nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  const rules = nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  return { chains, rules };
}

/** By its policy, or by a last rule that drops or rejects without a condition, as firewalld's. */
export function dropsTheRest(chain: Chain, rules: readonly Rule[]): boolean {
  const last = rules.findLast((rule) => isOfTable(rule, chain) && rule.chain === chain.name);
  const verdicts = last?.expr.flatMap((part) => Object.keys(part)) ?? [];
  const isUnconditional = !verdicts.includes("match") && !verdicts.includes("xt");
  return chain.policy === "drop" || (isUnconditional && (verdicts.includes("drop") || verdicts.includes("reject")));
}

export function chainName({ family, table, name }: Chain): string {
  return `${family} ${table} ${name}`;
}

export function isOfTable(one: { family: string; table: string }, other: { family: string; table: string }): boolean {
  return one.family === other.family && one.table === other.table;
}
