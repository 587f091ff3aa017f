import type { Check } from "../facts.ts";
import { about } from "../finding.ts";

const STRICT = 1;

/** Strict reverse-path filters on uplinks (ip-sysctl: the larger of all and the device is in force). */
export const checkRpFilter: Check = ({ host, plan, program }) => {
  const all = host.rpFilter["all"] ?? 0;
  const devices = [...new Set(plan.uplinks.map(({ device }) => device))].filter((device) => device in host.rpFilter);
  const strict = devices.filter((device) => Math.max(all, host.rpFilter[device] ?? 0) === STRICT);
  const say = about("rp-filter", null);
  if (strict.length === 0)
    return devices.length === 0 ? [] : [say.ok("no uplink filters by the reverse path strictly")];
  const settings = [...(all === STRICT ? ["all"] : []), ...strict].map(
    (device) => `net.ipv4.conf.${device}.rp_filter=2`,
  );
  const found = `rp_filter is strict on ${strict.join(", ")}: what comes in by another line than the kernel's way back is dropped`;
  const mend = `sysctl -w ${settings.join(" ")} (and in /etc/sysctl.d)`;
  if (program === null && plan.routed) return [say.note(`${found}; wanbond makes it loose while it runs`, mend)];
  return [say.warning(found, mend)];
};

/** Whether packets pass through this host. wanbond switches that on while it runs. */
export const checkForwarding: Check = ({ host, plan, program }) => {
  const say = about("ip-forward", null);
  if (!plan.forwards) return [];
  const off = [
    ...(host.ipForward.ipv4 === false ? ["net.ipv4.ip_forward"] : []),
    ...(plan.forwards6 && host.ipForward.ipv6 === false ? ["net.ipv6.conf.all.forwarding"] : []),
  ];
  if (off.length === 0) return [say.ok("packets are forwarded")];
  if (program === null) return [say.ok(`${off.join(" and ")} is off; wanbond switches it on while it runs`)];
  return [
    say.fault(
      `${off.join(" and ")} is off although wanbond runs: something else switched it off`,
      `sysctl -w ${off.map((each) => `${each}=1`).join(" ")}, and look for who sets it in /etc/sysctl.d`,
    ),
  ];
};
