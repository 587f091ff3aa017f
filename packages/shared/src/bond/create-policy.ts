import type { Random } from "../units.ts";
import { ActiveBackup } from "./active-backup.ts";
import type { ActiveListener } from "./active-change.ts";
import { BalanceAwareFlows, BalanceAwarePackets } from "./balance-aware.ts";
import { BalanceRoundRobin } from "./balance-rr.ts";
import { BalanceXor } from "./balance-xor.ts";
import { Broadcast } from "./broadcast.ts";
import type { MemberTable } from "./members.ts";
import { FirstWorking } from "./none.ts";
import type { BondPolicy } from "./policy.ts";
import type { BondSettings, PolicyName } from "./settings.ts";

/** What a policy may be built from. */
interface Parts {
  readonly settings: BondSettings;
  readonly members: MemberTable;
  readonly random: Random;
  readonly activeChanged: ActiveListener;
}

/** A policy is added here, in settings.ts by name, and in the contract suite. */
const POLICIES: Record<PolicyName, (parts: Parts) => BondPolicy> = {
  // Its frames go through a sender of their own (aggregate/), which asks only who is eligible.
  aggregate: ({ members, random }) => new BalanceRoundRobin(members, 1, random),
  none: ({ activeChanged }) => new FirstWorking(activeChanged),
  "active-backup": ({ members, settings, activeChanged }) => new ActiveBackup(members, settings, activeChanged),
  broadcast: ({ settings }) => new Broadcast(settings.dedup),
  "balance-rr": ({ members, settings, random }) => new BalanceRoundRobin(members, settings.packetsPerLink, random),
  "balance-xor": ({ members, settings }) => new BalanceXor(members, settings.transmitHashPolicy),
  "balance-aware": ({ members, settings }) => {
    if (settings.balancePolicy === "packet") return new BalanceAwarePackets(members);
    return new BalanceAwareFlows(members, settings.transmitHashPolicy, settings.balancePolicy === "flow-dynamic");
  },
};

export function createPolicy(
  settings: BondSettings,
  members: MemberTable,
  random: Random,
  activeChanged: ActiveListener,
): BondPolicy {
  return POLICIES[settings.basePolicy]({ settings, members, random, activeChanged });
}
