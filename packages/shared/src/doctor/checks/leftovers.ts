import { instanceOfPriority, instanceOfTable, nftTableName } from "../../system/index.ts";
import type { Check, DoctorFacts } from "../facts.ts";
import { about } from "../finding.ts";

/** Rules, routes and tables of ours whose program does not live any more. */
export const checkLeftovers: Check = (facts) => {
  const { host, plan, program } = facts;
  const say = about("leftovers", null);
  const rules = host.ownRules.filter(({ priority }) => isOrphan(instanceOfPriority(priority), facts));
  const routes = host.ownRoutes.filter(({ table }) => isOrphan(instanceOfTable(table), facts));
  const live = host.liveInstances.map(({ name }) => nftTableName(name.slice(name.indexOf("-") + 1)));
  const known = program === null ? live : [...live, nftTableName(plan.tap)];
  const tables = host.ownTables.filter((table) => !known.some((own) => table === own || table.startsWith(`${own}_`)));
  const what = [
    ...(rules.length > 0
      ? [`${rules.length} rule(s) of priority ${[...new Set(rules.map(({ priority }) => priority))].join(", ")}`]
      : []),
    ...(routes.length > 0
      ? [`${routes.length} route(s) in table ${[...new Set(routes.map(({ table }) => table))].join(", ")}`]
      : []),
    ...(tables.length > 0 ? [`nft table(s) ${tables.join(", ")}`] : []),
  ];
  if (what.length === 0) return [say.ok("nothing is left of earlier runs")];
  const commands = [
    ...[...new Set(rules.map(({ priority, family }) => `ip -${family} rule del priority ${priority}`))],
    ...[...new Set(routes.map(({ table, family }) => `ip -${family} route flush table ${table}`))],
    ...tables.map((table) => `nft delete table inet ${table}`),
  ];
  const mend =
    host.journals.length > 0
      ? `Start wanbond ${plan.role} and stop it again: it takes back what ${host.journals.join(", ")} names. By hand: ${commands.join("; ")}`
      : commands.join("; ");
  return [say.warning(`a program that ended without cleaning up has left ${what.join(", ")}`, mend)];
};

/** @param instance null: not one of those that an instance number tells; they are somebody's as long as anybody lives. */
function isOrphan(instance: number | null, { host, program }: DoctorFacts): boolean {
  const { liveInstances } = host;
  if (instance === null) return program === null && liveInstances.length === 0;
  return !liveInstances.some(({ number }) => number === instance) && !(program !== null && liveInstances.length === 0);
}
