import type { Runner } from "./command.ts";
import { type Chain, chainName, dropsTheRest, parseRuleset, type Rule } from "./firewall-ruleset.ts";

/** Commands that open a UDP port in the firewalls of this host that would drop what comes to it; none when nothing would. */
export async function findInputRemedies(runner: Runner, port: number): Promise<string[]> {
  return inputRemedies(JSON.parse(await runner.run("nft", ["-j", "list", "ruleset"])), port);
}

/** @param ruleset output of `nft -j list ruleset`. */
export function inputRemedies(ruleset: unknown, port: number): string[] {
  const { chains, rules } = parseRuleset(ruleset);
  const dropping = chains.filter((chain) => chain.hook === "input" && chain.family !== "bridge");
  const remedies = dropping
    .filter((chain) => dropsTheRest(chain, rules) && !opens(chain, rules, port))
    .map((chain) => openingCommand(chain, chains, port));
  return [...new Set(remedies)];
}

/** Whether a rule of that table accepts the port: then it has been thought of. */
function opens(chain: Chain, rules: readonly Rule[], port: number): boolean {
  const ofTable = rules.filter(({ family, table }) => family === chain.family && table === chain.table);
  return ofTable.some(({ expr }) => {
    const text = JSON.stringify(expr);
    return text.includes(`"right":${port}`) && text.includes('"accept"');
  });
}

/** The command that opens a UDP port, in the words of whoever has made that chain. */
export function openingCommand(chain: Chain, chains: readonly Chain[], port: number): string {
  const has = (name: string) => chains.some((other) => other.name === name && other.table === chain.table);
  if (chain.table === "firewalld") {
    return `firewall-cmd --permanent --add-port=${port}/udp && firewall-cmd --reload`;
  }
  if (has("ufw-user-input") || has("ufw6-user-input")) return `ufw allow ${port}/udp`;
  if (chain.name === "INPUT") {
    const iptables = chain.family === "ip6" ? "ip6tables" : "iptables";
    return `${iptables} -I INPUT -p udp --dport ${port} -j ACCEPT`;
  }
  return `nft insert rule ${chainName(chain)} udp dport ${port} accept`;
}
