import type { Check } from "../facts.ts";
import { about } from "../finding.ts";

/** Reasons of refused handshakes that an operator can do something about. */
const REFUSED: Readonly<Record<string, string>> = {
  "handshake-unknown-peer": "Clients with unknown keys ask: compare publicKey here with wanbond pubkey there.",
  "handshake-replayed": "Clients ask whose clock went back: set it by NTP.",
  "handshake-bad-version": "Clients of another version ask: update the older end.",
};

/** Whether the program runs, and what it says of itself. */
export const checkProgram: Check = ({ program, plan, host }) => {
  const say = about("program", null);
  if (program === null) {
    const holder = host.liveInstances.find(({ name }) => name === `${plan.role}-${plan.tap}`);
    if (holder !== undefined) {
      return [
        say.fault(
          `wanbond ${plan.role} runs (PID ${holder.pid}), but its control socket does not answer`,
          "Restart it, or name its socket with controlSocket.",
        ),
      ];
    }
    return [
      say.note(
        `wanbond ${plan.role} does not run`,
        `systemctl start wanbond-${plan.role}, or: wanbond ${plan.role} run --config FILE`,
      ),
    ];
  }
  const bonds = program.bonds.map(({ peer, state }) => `${peer} ${state}`).join(", ");
  const findings = [
    say.ok(
      `wanbond ${plan.role} runs for ${Math.round(program.uptimeMs / 1000)} s (PID ${program.pid}): ${bonds || "no bond"}`,
    ),
  ];
  const refused = Object.entries(REFUSED).filter(([reason]) => (program.drops[reason] ?? 0) > 0);
  return [
    ...findings,
    ...refused.map(([reason, mend]) => say.note(`${program.drops[reason]} handshakes were refused as ${reason}`, mend)),
  ];
};

/** Of a concentrator: whether its ports are listened on. */
export const checkListening: Check = ({ plan, program, host }) => {
  if (plan.role !== "concentrator") return [];
  const say = about("listening", null);
  return plan.ports.map((port) => {
    const isOpen = host.udpPorts.includes(port);
    if (program !== null) {
      return isOpen
        ? say.ok(`UDP port ${port} is listened on`)
        : say.fault(
            `nobody listens on UDP port ${port} although wanbond runs`,
            "Restart it; ss -lunp shows who listens.",
          );
    }
    return isOpen
      ? say.fault(`another program listens on UDP port ${port}`, "Stop it (ss -lunp shows it), or change listen.")
      : say.ok(`UDP port ${port} is free`);
  });
};
