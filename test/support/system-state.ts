import type { Namespace } from "./netns.ts";

/** Everything of a namespace that a program could leave changed, as text by subject. */
export type SystemState = Readonly<Record<string, string>>;

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  links: ["ip", "-d", "link", "show"],
  addresses: ["ip", "addr", "show"],
  rules4: ["ip", "-4", "-N", "rule", "show"],
  rules6: ["ip", "-6", "-N", "rule", "show"],
  routes4: ["ip", "-4", "-N", "route", "show", "table", "all"],
  routes6: ["ip", "-6", "-N", "route", "show", "table", "all"],
  settings: ["sysctl", "-a", "--pattern", "^net\\."],
  nft: ["nft", "list", "ruleset"],
};

/** Settings that count or vary by themselves. */
const LIVING = /^net\.netfilter\.nf_conntrack_count|^net\.ipv4\.tcp_fastopen_key/;

export async function readSystemState(namespace: Namespace): Promise<SystemState> {
  const entries = Object.entries(COMMANDS).map(async ([subject, command]) => {
    const lines = (await namespace.exec(command)).split("\n").filter((line) => !LIVING.test(line));
    return [subject, lines.join("\n")] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Lines of the earlier state that the later one lacks. */
export function missingLines(earlier: SystemState, later: SystemState, subjects: readonly string[]): string[] {
  return subjects.flatMap((subject) => {
    const present = new Set((later[subject] ?? "").split("\n"));
    return (earlier[subject] ?? "").split("\n").filter((line) => !present.has(line));
  });
}
