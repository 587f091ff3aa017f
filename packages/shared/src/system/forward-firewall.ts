import * as z from "zod";
import type { Runner } from "./command.ts";

/** A firewall of somebody else that will drop what we forward: no table of ours can overrule it. */
export interface ForwardObstacle {
  /** "ip filter FORWARD" */
  readonly chain: string;
  /** A sentence that says how to let the tunnel through. */
  readonly remedy: string;
}

const Chain = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
});
type Chain = z.infer<typeof Chain>;
const Rule = z.object({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  expr: z.array(z.record(z.string(), z.unknown())),
});
type Rule = z.infer<typeof Rule>;
const Ruleset = z.object({
  nftables: z.array(z.object({ chain: Chain.optional(), rule: Rule.optional() })),
});

/** Looks for chains that drop forwarded packets, and know nothing of the TAP. */
export async function findForwardObstacles(runner: Runner, tap: string): Promise<ForwardObstacle[]> {
  return forwardObstacles(JSON.parse(await runner.run("nft", ["-j", "list", "ruleset"])), tap);
}

/** @param ruleset output of `nft -j list ruleset`, in which iptables' own rules appear too. */
export function forwardObstacles(ruleset: unknown, tap: string): ForwardObstacle[] {
  const { nftables } = Ruleset.parse(ruleset);
  const chains = nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  const rules = nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  return chains
    .filter((chain) => chain.hook === "forward" && chain.family !== "bridge" && dropsTheRest(chain, rules))
    .filter((chain) => !rules.some((rule) => isOfTable(rule, chain) && names(rule, tap)))
    .map((chain) => ({ chain: chainName(chain), remedy: remedyFor(chain, chains, tap) }));
}

/** By its policy, or by a last rule that drops or rejects without a condition, as firewalld's. */
function dropsTheRest(chain: Chain, rules: readonly Rule[]): boolean {
  const last = rules.findLast((rule) => isOfTable(rule, chain) && rule.chain === chain.name);
  const verdicts = last?.expr.flatMap((part) => Object.keys(part)) ?? [];
  const isUnconditional = !verdicts.includes("match") && !verdicts.includes("xt");
  return chain.policy === "drop" || (isUnconditional && (verdicts.includes("drop") || verdicts.includes("reject")));
}

function remedyFor(chain: Chain, chains: readonly Chain[], tap: string): string {
  const has = (name: string) => chains.some((other) => other.name === name && isOfTable(other, chain));
  const both = (command: (direction: "in" | "out", flag: "-i" | "-o") => string) =>
    `Let the tunnel through: ${command("in", "-i")}; ${command("out", "-o")}`;
  const iptables = chain.family === "ip6" ? "ip6tables" : "iptables";
  if (chain.table === "firewalld") {
    return `Let the tunnel through: firewall-cmd --permanent --zone=trusted --add-interface=${tap} && firewall-cmd --reload`;
  }
  if (has("ufw-user-forward") || has("ufw6-user-forward"))
    return both((direction) => `ufw route allow ${direction} on ${tap}`);
  if (has("DOCKER-USER")) return both((_, flag) => `${iptables} -I DOCKER-USER ${flag} ${tap} -j ACCEPT`);
  if (chain.name === "FORWARD") return both((_, flag) => `${iptables} -I FORWARD ${flag} ${tap} -j ACCEPT`);
  return both(
    (direction) => `nft insert rule ${chainName(chain)} ${direction === "in" ? "iifname" : "oifname"} ${tap} accept`,
  );
}

function chainName({ family, table, name }: Chain): string {
  return `${family} ${table} ${name}`;
}

function isOfTable(one: { family: string; table: string }, other: { family: string; table: string }): boolean {
  return one.family === other.family && one.table === other.table;
}

/** Whether a rule of the operator speaks of the TAP: then the tunnel has been thought of. */
function names(rule: Rule, tap: string): boolean {
  return JSON.stringify(rule.expr).includes(JSON.stringify(tap));
}
