import { type EnrolRequest, isPrivate, overlap, type Prefix, parsePrefix } from "@wanbond/shared/config";
import { freeAddresses } from "./address-pool.ts";

/** What stands against a new client, or for it. */
export interface EnrolmentFacts {
  /** Of the TAP, with the concentrator's own addresses; none in bridged mode. */
  readonly networks: readonly Prefix[];
  readonly clients: readonly {
    readonly name: string;
    readonly publicKey: string;
    readonly address: readonly Prefix[];
    readonly routes: readonly Prefix[];
  }[];
  /** Networks of the concentrator's host. */
  readonly hostNetworks: readonly Prefix[];
  readonly concentratorKey: string;
  /** Networks that the invite gives; empty: those that the client finds. */
  readonly invitedLan: readonly Prefix[];
}

export type Verdict =
  | { readonly ok: true; readonly addresses: readonly string[]; readonly lan: readonly string[] }
  | { readonly ok: false; readonly reason: string; readonly problem: string };

/** Whether who asks can become a client beside the others. Every refusal is one sentence that says what to change. */
export function judgeEnrolment(request: EnrolRequest, facts: EnrolmentFacts): Verdict {
  const lan = lanOf(request, facts);
  const problem =
    keyProblem(request.publicKey, facts) ?? hostProblem(request, facts) ?? lanProblem(lan, request, facts);
  if (problem !== null) return { ok: false, ...problem };
  const taken = facts.clients.flatMap(({ address }) => address);
  const addresses = freeAddresses(facts.networks, taken);
  if (addresses !== null) return { ok: true, addresses, lan: lan.map(({ text }) => text) };
  const list = facts.networks.map(({ text }) => text).join(", ");
  return refusal(
    "pool-full",
    `The concentrator has no free address in ${list}. Revoke clients there, or widen its address.`,
  );
}

function refusal(reason: string, problem: string): Extract<Verdict, { ok: false }> {
  return { ok: false, reason, problem };
}

type Problem = Omit<Extract<Verdict, { ok: false }>, "ok"> | null;

/** Bridged clients have no networks of their own behind them, and a tunnel without IPv6 carries none. */
function lanOf(request: EnrolRequest, { invitedLan, networks }: EnrolmentFacts): Prefix[] {
  const families = networks.map(({ family }) => family);
  const asked = request.lan.flatMap((text) => parsePrefix(text) ?? []);
  const given = invitedLan.length > 0 && !request.lanGiven ? invitedLan : asked;
  const texts = given.map(({ text }) => text);
  return given.filter(({ family, text }, index) => families.includes(family) && texts.indexOf(text) === index);
}

function keyProblem(publicKey: string, { clients, concentratorKey }: EnrolmentFacts): Problem {
  if (publicKey === concentratorKey) {
    return refusal("key-known", "This key is the concentrator's own. Remove the key file here, and join again.");
  }
  const owner = clients.find((client) => client.publicKey === publicKey);
  if (owner === undefined) return null;
  const sentence = `This key is already that of the client ${owner.name}. Every client has a key of its own: remove the key file here, and join again.`;
  return refusal("key-known", sentence);
}

/** The tunnel's own networks must mean the tunnel at the client, too. */
function hostProblem(request: EnrolRequest, { networks }: EnrolmentFacts): Problem {
  for (const inUse of request.inUse.flatMap((text) => parsePrefix(text) ?? [])) {
    const covered = networks.find((network) => overlap(network, inUse));
    if (covered === undefined) continue;
    const sentence = `This host uses ${inUse.text}, which overlaps with the tunnel's network ${covered.text}. Change one of the two (address in the concentrator's file).`;
    return refusal("address-conflict", sentence);
  }
  return null;
}

function lanProblem(lan: readonly Prefix[], request: EnrolRequest, facts: EnrolmentFacts): Problem {
  for (const network of lan) {
    const problem = networkProblem(network, request, facts);
    if (problem !== null) return problem;
  }
  return null;
}

function networkProblem(network: Prefix, request: EnrolRequest, facts: EnrolmentFacts): Problem {
  const isInvited = facts.invitedLan.some(({ text }) => text === network.text);
  if (facts.invitedLan.length > 0 && request.lanGiven && !isInvited) {
    const allowed = facts.invitedLan.map(({ text }) => text).join(", ");
    return refusal(
      "lan-refused",
      `The invite is for the networks ${allowed}, not for ${network.text}. Leave --lan out.`,
    );
  }
  if (network.bits === 0 || (!isInvited && !isPrivate(network))) {
    const sentence = `${network.text} is no private network. Only an invite can give it: wanbond concentrator invite NAME --lan ${network.text}`;
    return refusal("lan-refused", sentence);
  }
  const owner = ownerOf(network, facts);
  if (owner === null) return null;
  const sentence = `The network ${network.text} overlaps with ${owner}. Renumber one of them, or join with --lan for other networks, or with --lan none.`;
  return refusal("lan-conflict", sentence);
}

function ownerOf(network: Prefix, { networks, clients, hostNetworks }: EnrolmentFacts): string | null {
  const tunnel = networks.find((each) => overlap(each, network));
  if (tunnel !== undefined) return `the tunnel's network ${tunnel.text}`;
  for (const { name, address, routes } of clients) {
    const theirs = [...address, ...routes].find((each) => overlap(each, network));
    if (theirs !== undefined) return `${theirs.text} of the client ${name}`;
  }
  const host = hostNetworks.find((each) => each.bits > 0 && overlap(each, network));
  return host === undefined ? null : `${host.text} of the concentrator's host`;
}
