import { contains, parsePrefix } from "../../system/index.ts";
import type { Check, DoctorFacts } from "../facts.ts";
import { about, type Finding } from "../finding.ts";

/** Whether one of the two networks lies in the other. */
function overlap(a: string, b: string): boolean {
  const [first, second] = [parsePrefix(a), parsePrefix(b)];
  if (first.family !== second.family) return false;
  return first.length <= second.length ? contains(a, second.address) : contains(b, first.address);
}

/** Networks that must be told apart: LAN, bond, uplinks, and whatever else this host is in. */
export const checkAddresses: Check = (facts) => {
  const findings = [...planned(facts), ...withDevices(facts), ...betweenUplinks(facts)];
  return findings.length > 0
    ? findings
    : [about("addresses", null).ok("the networks of LAN, bond and uplinks do not overlap")];
};

const MEND =
  "Give one of the two another range: that of the bond at the concentrator (address), that of the LAN or of the modem at home.";

function planned({ plan }: DoctorFacts): Finding[] {
  const say = about("addresses", null);
  return plan.networks.flatMap((one, i) =>
    plan.networks
      .slice(i + 1)
      .filter((other) => one.kind !== other.kind && overlap(one.network, other.network))
      .map((other) => say.fault(`${one.what} ${one.network} overlaps ${other.what} ${other.network}`, MEND)),
  );
}

function withDevices({ plan, host }: DoctorFacts): Finding[] {
  const say = about("addresses", null);
  const uplinkDevices = plan.uplinks.map(({ device }) => device);
  return host.networks
    .filter(({ device }) => device !== plan.tap)
    .flatMap(({ device, network }) => {
      const isUplink = uplinkDevices.includes(device);
      return plan.networks
        .filter(({ kind }) => kind === "bond" || isUplink || plan.role === "concentrator")
        .filter((planned) => overlap(planned.network, network))
        .slice(0, 1) // The bond's address and its network are one trouble.
        .map(({ what, network: own }) =>
          say.fault(`${what} ${own} overlaps ${network} of ${isUplink ? "the uplink" : "device"} ${device}`, MEND),
        );
    });
}

/** Two modems that both give 192.168.8.0/24: the pinned routes tell them apart, unless the addresses are the same. */
function betweenUplinks({ plan, host }: DoctorFacts): Finding[] {
  const devices = [...new Set(plan.uplinks.map(({ device }) => device))];
  const own = host.networks.filter(({ device }) => devices.includes(device));
  return own.flatMap((one, i) =>
    own
      .slice(i + 1)
      .filter((other) => other.device !== one.device && overlap(one.network, other.network))
      .map((other) => betweenTwo(one, other)),
  );
}

function betweenTwo(
  one: { readonly device: string; readonly address: string; readonly network: string },
  other: { readonly device: string; readonly address: string; readonly network: string },
): Finding {
  const say = about("addresses", null);
  const mend = `Change the LAN range of the modem or router behind ${other.device}.`;
  if (one.address === other.address)
    return say.fault(`${one.device} and ${other.device} have the same address ${one.address}`, mend);
  return say.warning(
    `${one.device} and ${other.device} lie in the same network ${one.network}: their gateways may have the same address`,
    mend,
  );
}
