import type { LineMeasurement } from "../../control/index.ts";
import type { Check, DoctorFacts } from "../facts.ts";
import { about, type Finding } from "../finding.ts";

/** IP and UDP, outer and inner header, tag (docs/wire-format.md). */
const OVERHEAD = { ipv4: 68, ipv6: 88 } as const;
const IPV6_MINIMUM = 1280;

/** The largest packet of each uplink in both directions, against its device and the configuration. */
export const checkPathMtu: Check = (facts) =>
  (facts.lines ?? []).flatMap((line) => (line.mtu === null ? [] : pathMtuOf(line, line.mtu, facts)));

function pathMtuOf(line: LineMeasurement, mtu: NonNullable<LineMeasurement["mtu"]>, { plan }: DoctorFacts): Finding[] {
  const say = about("path-mtu", line.name);
  const { upBytes, downBytes, triedBytes } = mtu;
  if (upBytes === null || downBytes === null) {
    return [
      say.note(
        "the path MTU is unknown: not even packets of 576 bytes were seen to come through",
        "Look at reach and loss of this line first.",
      ),
    ];
  }
  const narrow = Math.min(upBytes, downBytes);
  const configured = plan.uplinks.find(({ name }) => name === line.name)?.mtu ?? "auto";
  const text = `packets of up to ${upBytes} bytes go out and ${downBytes} come in${mtu.exact ? "" : " (at least)"}`;
  if (configured !== "auto" && configured > narrow) {
    return [
      say.fault(`${text}, but mtu = ${configured} is configured`, `Set mtu = ${narrow} of this uplink, or "auto".`),
    ];
  }
  const inner = narrow - (line.remote?.startsWith("[") ? OVERHEAD.ipv6 : OVERHEAD.ipv4);
  if (inner < IPV6_MINIMUM) {
    const found = `${text}: packets inside of more than ${inner} bytes are cut in two on this line, all of full size in IPv6`;
    return [say.warning(found, "Raise the MTU at the modem or router of this line, if that is possible.")];
  }
  if (narrow < (triedBytes ?? narrow))
    return [say.note(`${text}, the device's MTU is ${mtu.deviceBytes}: wanbond uses what comes through`)];
  return [say.ok(text)];
}

/** A fixed MTU of the TAP that does not fit the lines. */
export const checkTapMtu: Check = ({ plan, lines }) => {
  const say = about("tap-mtu", null);
  const sizes = (lines ?? []).flatMap(({ mtu, remote }) => {
    const narrow = mtu?.upBytes == null || mtu.downBytes == null ? null : Math.min(mtu.upBytes, mtu.downBytes);
    return narrow === null ? [] : [narrow - (remote?.startsWith("[") ? OVERHEAD.ipv6 : OVERHEAD.ipv4)];
  });
  if (sizes.length === 0) return [];
  const fits = Math.min(...sizes);
  if (plan.tapMtu === "auto")
    return [say.ok(`inside the tunnel packets of ${fits} bytes fit every line; TCP's MSS is clamped to it`)];
  if (plan.tapMtu <= fits) return [say.ok(`mtu = ${plan.tapMtu} fits every line (${fits})`)];
  return [
    say.warning(
      `mtu = ${plan.tapMtu} is configured, ${fits} bytes fit the narrowest line: larger packets are cut in two`,
      `Set mtu = "auto", or ${fits}.`,
    ),
  ];
};
