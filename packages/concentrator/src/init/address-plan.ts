import { overlap, type Prefix, parsePrefix } from "@wanbond/shared/config";

/** Networks that routers give to LANs when nobody chooses: a tunnel in one of them would be in the way at many homes. */
const USUAL_LANS = [
  "192.168.0.0/16",
  "10.0.0.0/16",
  "10.1.0.0/16",
  "10.10.0.0/16",
  "10.8.0.0/24",
  "172.16.0.0/16",
  "172.17.0.0/16",
  "172.18.0.0/16",
];

/** Where the tunnel may be, the likeliest to be free first. */
function* candidates(): Generator<string> {
  for (let second = 200; second < 250; second++) yield `10.${second}.0.1/24`;
  for (let second = 31; second > 18; second--)
    for (let third = 0; third < 256; third++) yield `172.${second}.${third}.1/24`;
}

/** The concentrator's address in a network that nobody here uses; null when all are taken. @param inUse networks of this host and of known clients */
export function chooseTunnelAddress(inUse: readonly string[]): string | null {
  const taken = [...USUAL_LANS, ...inUse].flatMap((text) => parsePrefix(text) ?? []);
  for (const text of candidates()) {
    if (conflictOf(text, taken) === null) return text;
  }
  return null;
}

/** The first network that the given one overlaps with. */
export function conflictOf(text: string, taken: readonly Prefix[]): string | null {
  const prefix = parsePrefix(text);
  const other = prefix === null ? undefined : taken.find((each) => each.bits > 0 && overlap(each, prefix));
  return other?.text ?? null;
}
