import type { LineMeasurement } from "../../control/index.ts";
import { contains, parsePrefix } from "../../system/index.ts";
import type { Check } from "../facts.ts";
import { about, type Finding } from "../finding.ts";

/** RFC 6598: between a provider's customers and its translator. */
const SHARED_SPACE = "100.64.0.0/10";
const PRIVATE_SPACES: readonly string[] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
/** The bond's own probes come every second on an idle line, every 10 s on a metered one. */
const PROBE_MS = { usual: 1_000, metered: 10_000 } as const;

/** Which translators stand on the way, how they map, and how long they remember. */
export const checkNat: Check = ({ lines }) =>
  (lines ?? []).filter(({ answers }) => answers).flatMap((line) => [natOf(line), ...mappingOf(line)]);

function natOf(line: LineMeasurement): Finding {
  const say = about("nat", line.name);
  const own = addressOf(line.local);
  const seen = addressOf(line.seen);
  if (own === seen) return say.ok(`no translation: the concentrator sees ${line.seen}`);
  const behaviour = behaviourOf(line);
  const text = `translated: ${own} is seen as ${line.seen}; ${behaviour}`;
  const where = layersOf(own, line.gateway);
  return where === null
    ? say.ok(text)
    : say.note(
        `${text}; ${where}`,
        "Nothing to mend: wanbond calls out. Nobody can call in over this line but through the tunnel.",
      );
}

function behaviourOf({ seen, nat }: LineMeasurement): string {
  if (nat?.secondPort == null) return "how it maps is unknown: the concentrator offers no second port";
  if (nat.secondSeen === null) {
    return `how it maps is unknown: the concentrator's second UDP port ${nat.secondPort} is not reached (a firewall there)`;
  }
  if (nat.secondSeen === seen)
    return "the mapping is independent of the destination (RFC 5780: endpoint-independent, a cone)";
  return `the mapping depends on the destination (symmetric): a second port saw ${nat.secondSeen}`;
}

/** A private address behind a private gateway is one translator; the provider's own shows by its address space. */
function layersOf(own: string, gateway: string | null): string | null {
  if (contains(SHARED_SPACE, own) || (gateway !== null && contains(SHARED_SPACE, gateway))) {
    return `the provider translates (CGNAT): ${own} is of 100.64.0.0/10`;
  }
  if (!PRIVATE_SPACES.some((space) => contains(space, own)))
    return `${own} is public and is translated all the same (CGNAT)`;
  return null;
}

function mappingOf({ name, mapping, metered }: LineMeasurement): Finding[] {
  const say = about("mapping", name);
  if (mapping?.atLeastMs == null) return [say.note("how long a UDP mapping lasts is unknown: no answer came in time")];
  const probeMs = metered ? PROBE_MS.metered : PROBE_MS.usual;
  const atLeast = mapping.atLeastMs / 1000;
  if (mapping.belowMs === null)
    return [say.ok(`a UDP mapping lasts >= ${atLeast} s without traffic (not tried for longer)`)];
  const text = `a UDP mapping lasts between ${atLeast} s and ${mapping.belowMs / 1000} s without traffic; probes keep it open every ${probeMs / 1000} s`;
  if (mapping.belowMs > probeMs) return [say.ok(text)];
  return [
    say.warning(
      text,
      metered
        ? "Remove metered = true of this uplink, or raise the UDP timeout of its router."
        : "Raise the UDP timeout of the router of this line.",
    ),
  ];
}

function addressOf(endpoint: string | null): string {
  if (endpoint === null) return "";
  return parsePrefix(endpoint.slice(0, endpoint.lastIndexOf(":")).replaceAll(/[[\]]/g, "")).address;
}
