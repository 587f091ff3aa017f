import * as z from "zod";
import { type Chain, chainName, dropsTheRest, isOfTable, parseRuleset, type Rule } from "./firewall-ruleset.ts";
import { openingCommand } from "./input-firewall.ts";

/** A rule or chain of this host that drops the tunnel's own datagrams. */
export interface PortObstacle {
  /** "inet filter input" */
  readonly chain: string;
  /** To be read after the chain. */
  readonly problem: string;
  readonly remedy: string;
}

type Role = "client" | "concentrator";

/** Where the tunnel's datagrams pass; for a packet that comes in and one that goes out. */
const HOOKS: readonly string[] = ["prerouting", "input", "output", "postrouting", "ingress", "egress"];

/**
 * Looks for what drops UDP datagrams of these ports: rules that name them, and input chains that drop everything but what
 * they accept. Jumps into other chains are not followed; a chain that a rule with such a port or with "established" stands
 * in anywhere is believed to let them through.
 *
 * @param ruleset output of `nft -j list ruleset`, in which iptables' own rules appear too.
 * @param ports of the concentrator, at either end.
 */
export function portObstacles(ruleset: unknown, role: Role, ports: readonly number[]): PortObstacle[] {
  const { chains, rules } = parseRuleset(ruleset);
  const onTheWay = chains.filter(
    ({ hook, family }) => hook !== undefined && HOOKS.includes(hook) && family !== "bridge",
  );
  return onTheWay.flatMap((chain) => {
    const own = rules.filter((rule) => rule.chain === chain.name && isOfTable(rule, chain));
    const named = own.filter((rule) => dropsPort(rule, ports)).map(() => droppingRule(chain, ports));
    return [...named.slice(0, 1), ...closedChain(chain, { chains, rules }, role, ports)];
  });
}

function droppingRule(chain: Chain, ports: readonly number[]): PortObstacle {
  const name = chainName(chain);
  const remedy = `Remove the rule: nft -a list chain ${name} shows its handle, nft delete rule ${name} handle N`;
  return { chain: name, problem: `has a rule that drops UDP of port ${ports.join(", ")}`, remedy };
}

function closedChain(
  chain: Chain,
  { chains, rules }: { readonly chains: readonly Chain[]; readonly rules: readonly Rule[] },
  role: Role,
  ports: readonly number[],
): PortObstacle[] {
  if (chain.hook !== "input" || !dropsTheRest(chain, rules)) return [];
  const table = rules.filter((rule) => isOfTable(rule, chain));
  const opened = table.some(
    (rule) => accepts(rule) && (role === "client" ? letsAnswersIn(rule) : namesPort(rule, ports)),
  );
  if (opened) return [];
  const name = chainName(chain);
  if (role === "client") {
    const remedy = `nft insert rule ${name} ct state established,related accept`;
    return [{ chain: name, problem: "drops what comes in, the concentrator's answers too", remedy }];
  }
  const remedy = ports.map((port) => openingCommand(chain, chains, port)).join("; ");
  return [{ chain: name, problem: `drops what comes to UDP port ${ports.join(", ")}`, remedy }];
}

function dropsPort(rule: Rule, ports: readonly number[]): boolean {
  const verdicts = rule.expr.flatMap((part) => Object.keys(part));
  return (verdicts.includes("drop") || verdicts.includes("reject")) && namesPort(rule, ports);
}

function accepts(rule: Rule): boolean {
  return rule.expr.some((part) => "accept" in part || "jump" in part || "goto" in part || "xt" in part);
}

/** Connection tracking, or rules of iptables, which nft shows only as "xt". */
function letsAnswersIn(rule: Rule): boolean {
  const text = JSON.stringify(rule.expr);
  return text.includes('"established"') || text.includes('"xt"');
}

const PortMatch = z.object({
  match: z.object({
    left: z.object({ payload: z.object({ protocol: z.enum(["udp", "th"]), field: z.enum(["dport", "sport"]) }) }),
    right: z.unknown(),
  }),
});

/** A port in a match on UDP: itself, in a set, or in a range. */
function namesPort(rule: Rule, ports: readonly number[]): boolean {
  return rule.expr.some((part) => {
    const result = PortMatch.safeParse(part);
    return result.success && ports.some((port) => holds(result.data.match.right, port));
  });
}

function holds(right: unknown, port: number): boolean {
  if (typeof right === "number") return right === port;
  if (Array.isArray(right)) return right.some((each) => holds(each, port));
  if (typeof right !== "object" || right === null) return false;
  if ("set" in right) return holds(right.set, port);
  if (!("range" in right) || !Array.isArray(right.range)) return false;
  const [first, last] = right.range;
  return typeof first === "number" && typeof last === "number" && first <= port && port <= last;
}
