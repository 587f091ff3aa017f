import type { EventLog } from "@wanbond/shared/control";
import { diffUplinks } from "./uplink-diff.ts";
import type { ResolvedUplink } from "./uplink-discovery.ts";

/** Tells what became of the uplinks since the last look. */
export function logUplinks(log: EventLog, before: readonly ResolvedUplink[], after: readonly ResolvedUplink[]): void {
  for (const change of diffUplinks(before, after)) {
    const { name, device, ipv4, ipv6 } = change.uplink;
    const fields = { event: `uplink-${change.event}`, uplink: name, device, ipv4, ipv6 };
    if (change.event === "down") log.warn({ ...fields, reason: change.reason }, "the uplink cannot be used");
    else if (change.event === "changed") log.info({ ...fields, fields: change.fields }, "the uplink changed");
    else log.info(fields, `the uplink is ${change.event === "gone" ? "gone" : "there"}`);
  }
}

/** At the start, when a name may be mistyped; later a device that goes is an event of its own. */
export function warnOfMissing(log: EventLog, uplinks: readonly ResolvedUplink[]): void {
  for (const { name, device } of uplinks.filter(({ unusable }) => unusable === "no-device")) {
    const sentence = `there is no device ${device} (ip link shows those there are); the uplink waits for it`;
    log.warn({ event: "uplink-missing", uplink: name, device }, sentence);
  }
  if (uplinks.length > 0) return;
  log.warn({ event: "no-uplinks" }, "no device has a default route (ip route show default); waiting for one");
}
