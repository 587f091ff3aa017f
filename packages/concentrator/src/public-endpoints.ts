import { type Endpoint, overlap, parsePrefix } from "@wanbond/shared/config";
import { EX_CONFIG, WanbondError } from "@wanbond/shared/errors";
import {
  type AddressFact,
  type RouteFact,
  type Runner,
  readAddresses,
  readDefaultRoutes,
} from "@wanbond/shared/system";

/** Space of which no part is reached from the internet: RFC 6890, as far as hosts have such addresses. */
const NOT_PUBLIC = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::/127",
  "fc00::/7",
  "fe80::/10",
];

/** The addresses by which this host goes to the internet. */
export interface OwnAddresses {
  /** One of each IP version, those that the internet can reach. */
  readonly reachable: readonly string[];
  /** The others: behind a provider's address translation. */
  readonly hidden: readonly string[];
}

/** Looks at the default routes in table main. @throws CommandError */
export async function findOwnAddresses(runner: Runner): Promise<OwnAddresses> {
  const [routes, addresses] = await Promise.all([readDefaultRoutes(runner), readAddresses(runner)]);
  return ownAddresses(routes, addresses);
}

export function ownAddresses(routes: readonly RouteFact[], addresses: readonly AddressFact[]): OwnAddresses {
  const found = ([4, 6] as const).flatMap((family) => sourceOf(family, routes, addresses) ?? []);
  return { reachable: found.filter(isReachable), hidden: found.filter((address) => !isReachable(address)) };
}

/** What invites say when the file does not. @throws WanbondError when no address of this host is public */
export async function requireOwnEndpoints(
  runner: Runner,
  listen: readonly Endpoint[],
  configFile: string,
): Promise<Endpoint[]> {
  const { reachable, hidden } = await findOwnAddresses(runner);
  const endpoints = endpointsAt(reachable, listen);
  if (endpoints.length > 0) return endpoints;
  const why =
    hidden.length === 0 ? "it has no default route" : `it has ${hidden.join(" and ")}, behind another address`;
  const port = listen[0]?.port ?? 51900;
  const sentence = `This host does not know how the internet reaches it: ${why}. Write endpoints = ["PUBLIC_ADDRESS:${port}"] below [concentrator] in ${configFile}, and restart the concentrator.`;
  throw new WanbondError("WB_NO_ENDPOINT", EX_CONFIG, sentence);
}

/** Each address with the port of the first listening address that takes it. */
export function endpointsAt(addresses: readonly string[], listen: readonly Endpoint[]): Endpoint[] {
  return addresses.flatMap((host) => {
    const family = host.includes(":") ? 6 : 4;
    const fits = (endpoint: Endpoint) => endpoint.host === host || /^(0\.0\.0\.0|::)$/.test(endpoint.host);
    const own = listen.find((endpoint) => endpoint.family === family && fits(endpoint));
    return own === undefined ? [] : [{ host, port: own.port, family }];
  });
}

function sourceOf(family: 4 | 6, routes: readonly RouteFact[], addresses: readonly AddressFact[]): string | undefined {
  const [route] = routes
    .filter((fact) => fact.family === family && fact.table === 254)
    .sort((a, b) => a.metric - b.metric);
  const own = addresses.filter(({ device, scope, steady }) => device === route?.device && scope === 0 && steady);
  const ofFamily = own.filter((fact) => fact.family === family).map(({ address }) => address);
  return ofFamily.find((address) => address === route?.source) ?? ofFamily.find(isReachable) ?? ofFamily[0];
}

function isReachable(address: string): boolean {
  const host = parsePrefix(address);
  return host !== null && !NOT_PUBLIC.some((text) => covers(text, address));
}

function covers(network: string, address: string): boolean {
  const [outer, inner] = [parsePrefix(network), parsePrefix(address)];
  return outer !== null && inner !== null && overlap(outer, inner);
}
