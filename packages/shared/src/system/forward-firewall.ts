import type { Runner } from "./command.ts";
import { type Chain, chainName, dropsTheRest, isOfTable, parseRuleset, type Rule } from "./firewall-ruleset.ts";

/** A firewall of somebody else that will drop what we forward: no table of ours can overrule it. */
export interface ForwardObstacle {
  /** "ip filter FORWARD" */
  readonly chain: string;
  /** A sentence that says how to let the tunnel through. */
  readonly remedy: string;
}

/** Looks for chains that drop forwarded packets, and know nothing of the TAP. */
export async function findForwardObstacles(runner: Runner, tap: string): Promise<ForwardObstacle[]> {
  return forwardObstacles(JSON.parse(await runner.run("nft", ["-j", "list", "ruleset"])), tap);
}

/** @param ruleset output of `nft -j list ruleset`, in which iptables' own rules appear too. */
export function forwardObstacles(ruleset: unknown, tap: string): ForwardObstacle[] {
  const { chains, rules } = parseRuleset(ruleset);
  return chains
    .filter((chain) => chain.hook === "forward" && chain.family !== "bridge" && dropsTheRest(chain, rules))
    .filter((chain) => !rules.some((rule) => isOfTable(rule, chain) && names(rule, tap)))
    .map((chain) => ({ chain: chainName(chain), remedy: remedyFor(chain, chains, tap) }));
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

/** Whether a rule of the operator speaks of the TAP: then the tunnel has been thought of. */
function names(rule: Rule, tap: string): boolean {
  return JSON.stringify(rule.expr).includes(JSON.stringify(tap));
}
