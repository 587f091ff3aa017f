import { type CrossCheck, unique } from "./cross-checks.ts";
import { countAt, type Entry, entriesAt, valueAt } from "./document.ts";
import type { RawFault } from "./fault.ts";
import { containsPrefix, isHostOf, type Prefix, parsePrefix } from "./ip-prefix.ts";

/** Rules about who owns which address inside the tunnel. */
export const CONCENTRATOR_ADDRESS_CHECKS: readonly CrossCheck[] = [
  unique(
    "address",
    [
      ["concentrator", "address", "*"],
      ["client", "*", "address", "*"],
    ],
    hostIdentity,
  ),
  unique("route", [["client", "*", "routes", "*"]], prefixIdentity),
  addressesGiven,
  clientAddressesFit,
  routesAreNotDefault,
];

/** An address with its prefix, found in the file. */
interface PrefixEntry extends Entry {
  readonly prefix: Prefix;
}

function prefixesAt(raw: unknown, pattern: readonly string[]): PrefixEntry[] {
  return entriesAt(raw, pattern).flatMap((entry) => {
    const prefix = parsePrefix(entry.text);
    return prefix === null ? [] : [{ ...entry, prefix }];
  });
}

function hostIdentity(text: string): string | null {
  return parsePrefix(text)?.bytes.join(".") ?? null;
}

function prefixIdentity(text: string): string | null {
  const prefix = parsePrefix(text);
  return prefix === null ? null : `${prefix.bytes.join(".")}/${prefix.bits}`;
}

/** In routed mode both ends have addresses; in bridged mode the clients' come from the bridged network. */
function addressesGiven(raw: unknown): RawFault[] {
  const clients = Array.from({ length: countAt(raw, ["client"]) }, (_, index) => ["client", index] as const);
  if (valueAt(raw, ["concentrator", "mode"]) === "bridged") {
    const remedy = "Remove it: hosts on a bridged network have their own addresses.";
    return clients
      .flatMap((client) => [[...client, "address"] as const, [...client, "routes"] as const])
      .filter((path) => countAt(raw, path) > 0)
      .map((path) => ({ path, problem: "has no effect in bridged mode", remedy }));
  }
  const faults: RawFault[] = [];
  if (isEmpty(raw, ["concentrator", "address"])) {
    const remedy = 'Give the TAP an address, as address = ["10.200.0.1/24"].';
    faults.push({ path: ["concentrator", "address"], problem: "is missing", remedy });
  }
  for (const client of clients.filter((path) => isEmpty(raw, [...path, "address"]))) {
    const remedy = 'Give this client an address of the concentrator\'s network, as address = ["10.200.0.2/32"].';
    faults.push({ path: [...client, "address"], problem: "is missing", remedy });
  }
  return faults;
}

function isEmpty(raw: unknown, path: readonly (string | number)[]): boolean {
  const value = valueAt(raw, path);
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

/** A client's address is one host of one of the concentrator's networks. */
function clientAddressesFit(raw: unknown): RawFault[] {
  const networks = prefixesAt(raw, ["concentrator", "address", "*"]).map((entry) => entry.prefix);
  return prefixesAt(raw, ["client", "*", "address", "*"]).flatMap(({ path, prefix }) => {
    if (prefix.bits < prefix.bytes.length * 8) {
      const remedy = `Write ${prefix.address}/${prefix.bytes.length * 8}; networks behind the client go to routes.`;
      return [{ path, problem: `is ${prefix.text}, more than one address`, remedy }];
    }
    const network = networks.find((candidate) => containsPrefix(candidate, prefix));
    if (networks.length === 0 || (network !== undefined && isHostOf(network, prefix))) return [];
    const list = networks.map((candidate) => candidate.text).join(", ");
    const problem = network === undefined ? `is outside the concentrator's ${list}` : `is no host of ${network.text}`;
    return [{ path, problem: `(${prefix.text}) ${problem}`, remedy: "Choose another host address of that network." }];
  });
}

/** Such a route would send the concentrator's own internet traffic to one client. */
function routesAreNotDefault(raw: unknown): RawFault[] {
  return prefixesAt(raw, ["client", "*", "routes", "*"]).flatMap(({ path, prefix }) => {
    if (prefix.bits > 0) return [];
    return [{ path, problem: "is a default route", remedy: "Name the networks behind the client only." }];
  });
}
