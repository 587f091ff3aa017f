import type { Check } from "../facts.ts";
import { about } from "../finding.ts";

/** What the kernel gives and takes off our hands. */
export const checkKernel: Check = ({ host, program }) => {
  const say = about("kernel", null);
  const { tapOffloads, udp } = host;
  if (!host.tun)
    return [say.fault("/dev/net/tun is missing", "modprobe tun; for a container: docker run --device /dev/net/tun")];
  if (!host.mayChangeNetwork)
    return [
      say.warning(
        "this user may not change the network: part of the checks could not be made",
        "Run wanbond doctor as root.",
      ),
    ];
  if (tapOffloads === null && program === null)
    return [say.fault("the kernel makes no TAP", "Look at dmesg; a container needs CAP_NET_ADMIN.")];
  const missing = [
    ...(tapOffloads === null || tapOffloads.tso ? [] : ["TAP with vnet headers and TSO"]),
    ...(udp === null || udp.gso ? [] : ["UDP GSO"]),
    ...(udp === null || udp.gro ? [] : ["UDP GRO"]),
  ];
  if (missing.length > 0)
    return [
      say.warning(`the kernel lacks ${missing.join(", ")}: expect a quarter of the speed`, "Use Linux 5.0 or later."),
    ];
  return [say.ok(`tun, vnet offloads${tapOffloads?.uso === true ? " (also of UDP)" : ""}, UDP GSO and GRO are there`)];
};

/** What ciphers cost here. */
export const checkAes: Check = ({ host }) => [
  host.aes
    ? about("aes", null).ok("the processor has AES instructions: AES-256-GCM is used where the other end has them too")
    : about("aes", null).note(
        "the processor has no AES instructions: ChaCha20-Poly1305 is used, which costs more of it",
      ),
];
