import type { LineMeasurement } from "../../control/index.ts";
import type { Check, DoctorFacts } from "../facts.ts";
import { about, type Finding } from "../finding.ts";

const UNUSABLE: Readonly<Record<string, readonly [found: string, mend: string]>> = {
  "no-device": [
    "the device does not exist",
    "Plug it in, or correct device of this uplink (ip link lists those there are).",
  ],
  "device-down": ["the device is switched off", "ip link set DEVICE up"],
  "no-carrier": ["the device has no carrier", "Plug in the cable, or look at the modem."],
  "no-address": ["the device has no address", "Start its DHCP client, or give it an address."],
  "no-concentrator-address": [
    "the concentrator's name has no address here",
    "Correct endpoints, or look after the resolver: getent ahosts NAME",
  ],
};

/** Whether the concentrator answers over each uplink, and where the way ends if it does not. */
export const checkReach: Check = (facts) => (facts.lines ?? []).map((line) => reachOf(line, facts));

function reachOf(line: LineMeasurement, facts: DoctorFacts): Finding {
  const say = about("reach", line.name);
  if (line.unusable !== null) {
    const [found, mend] = UNUSABLE[line.unusable] ?? [
      `the uplink cannot be used (${line.unusable})`,
      "Look at the log.",
    ];
    return say.fault(`${found} (${line.device})`, mend.replace("DEVICE", line.device ?? ""));
  }
  if (line.answers) return say.ok(`the concentrator ${line.remote} answers`);
  if (line.memberUp) {
    const found = `the member is up, but ${line.remote} does not answer measurements: it is of an older version`;
    return say.note(found, "Update wanbond at the concentrator; the line itself works.");
  }
  return silent(line, facts);
}

function silent(line: LineMeasurement, { lines, session }: DoctorFacts): Finding {
  const say = about("reach", line.name);
  const { gateway, tcp, tcpPort } = line.otherwise ?? { gateway: "none", tcp: "silent", tcpPort: null };
  const port = line.remote?.split(":").at(-1) ?? "";
  const others = lines?.filter(({ answers }) => answers).map(({ name }) => name) ?? [];
  if (tcp === "answers" && (session || others.length > 0)) {
    const found = `UDP to ${line.remote} is blocked on this line: its host answers by TCP (port ${tcpPort}), and wanbond over ${others.join(", ") || "another line"}`;
    return say.fault(found, `Let UDP port ${port} through in the router of this line, or ask its provider.`);
  }
  if (tcp === "answers") {
    const found = `the concentrator's host answers by TCP (port ${tcpPort}), wanbond by UDP ${line.remote} does not`;
    return say.fault(
      found,
      `At the concentrator: is it running (wanbond status), is UDP port ${port} open in its firewall, do the keys fit (its log says client-refused)? Here: has the clock gone back?`,
    );
  }
  if (gateway === "silent") {
    return say.fault(
      `the gateway ${line.gateway} does not answer on ${line.device}`,
      "Look at the modem or router of this line, and at gateway of this uplink.",
    );
  }
  const known = gateway === "answers" ? `the gateway ${line.gateway} answers, ` : "";
  if (others.length > 0) {
    return say.fault(
      `${known}nothing beyond it does, while ${others.join(", ")} reaches the concentrator`,
      "The line is down: look at its modem, or ask its provider.",
    );
  }
  return say.fault(
    `${known}nothing comes back from ${line.remote}`,
    "Either this line or the concentrator is down: look at both, and at endpoints.",
  );
}
