import { forwardObstacles, portObstacles } from "../../system/index.ts";
import type { Check } from "../facts.ts";
import { about } from "../finding.ts";

const FULL_RATIO = 0.9;

/** Rules on this host that drop our datagrams or what the tunnel forwards, as far as nft shows them. */
export const checkFirewall: Check = ({ host, plan }) => {
  const say = about("firewall", null);
  if (host.ruleset === null) {
    return [
      say.note(
        "the firewall could not be looked at: nft is missing, or this user may not ask",
        "apt install nftables; run wanbond doctor as root",
      ),
    ];
  }
  const ports = portObstacles(host.ruleset, plan.role, plan.ports);
  const forwards = plan.forwards && plan.routed ? forwardObstacles(host.ruleset, plan.tap) : [];
  const findings = [
    ...ports.map(({ chain, problem, remedy }) => say.fault(`${chain} ${problem}`, remedy)),
    ...forwards.map(({ chain, remedy }) => say.fault(`${chain} drops what the tunnel forwards`, remedy)),
  ];
  return findings.length > 0 ? findings : [say.ok("no rule of this host drops wanbond's datagrams")];
};

/** A full table of connections drops new ones, and ours when they move. */
export const checkConntrack: Check = ({ host }) => {
  if (host.conntrack === null) return [];
  const { count, max } = host.conntrack;
  const say = about("conntrack", null);
  const text = `${count} of ${max} tracked connections are in use`;
  return [
    count > FULL_RATIO * max ? say.warning(text, `sysctl -w net.netfilter.nf_conntrack_max=${2 * max}`) : say.ok(text),
  ];
};
