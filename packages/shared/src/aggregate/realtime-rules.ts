import { type FrameView, NO_PREFIX, PROTOCOL_TCP, PROTOCOL_UDP, PrefixTable, parseIpPrefix } from "../packet/index.ts";

const PORTS = 65_536;
const CODE_POINTS = 64;
const TCP = 1;
const UDP = 2;

type Rule =
  | { readonly kind: "ports"; readonly protocol: number; readonly from: number; readonly to: number }
  | { readonly kind: "dscp"; readonly value: number }
  | { readonly kind: "prefix"; readonly prefix: string };

/** "udp 5060", "tcp 3478-3481", "dscp 34", "192.0.2.0/24", "2001:db8::7". @returns null for what is none of these. */
export function parseRealtimeRule(text: string): Rule | null {
  const ports = /^(tcp|udp) (\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (ports !== null) {
    const from = Number(ports[2]);
    const to = Number(ports[3] ?? ports[2]);
    const isRange = from >= 1 && from <= to && to < PORTS;
    return isRange ? { kind: "ports", protocol: ports[1] === "tcp" ? TCP : UDP, from, to } : null;
  }
  const dscp = /^dscp (\d{1,2})$/.exec(text);
  if (dscp !== null) return Number(dscp[1]) < CODE_POINTS ? { kind: "dscp", value: Number(dscp[1]) } : null;
  return parseIpPrefix(text) === null ? null : { kind: "prefix", prefix: text };
}

/** What the user has named as real-time: a frame to or from such a port or network, or with such a DSCP. */
export class RealtimeRules {
  /** TCP and UDP by port. */
  readonly #ports = new Uint8Array(PORTS);
  readonly #dscp = new Uint8Array(CODE_POINTS);
  readonly #prefixes = new PrefixTable();
  #hasPrefixes = false;
  readonly isEmpty: boolean;

  /** @param texts from a checked configuration. */
  constructor(texts: readonly string[] = []) {
    this.isEmpty = texts.length === 0;
    for (const text of texts) {
      const rule = parseRealtimeRule(text);
      if (rule === null) throw new RangeError(`"${text}" names no traffic`);
      this.#add(rule);
    }
  }

  covers(view: FrameView): boolean {
    if (this.#dscp[view.dscp] === 1 && view.ipVersion !== 0) return true;
    const bit = view.protocol === PROTOCOL_TCP ? TCP : view.protocol === PROTOCOL_UDP ? UDP : 0;
    if (bit !== 0 && view.sourcePort >= 0) {
      const ports = (this.#ports[view.sourcePort] ?? 0) | (this.#ports[view.destinationPort] ?? 0);
      if ((ports & bit) !== 0) return true;
    }
    if (!this.#hasPrefixes) return false;
    return this.#prefixes.findSource(view) !== NO_PREFIX || this.#prefixes.findDestination(view) !== NO_PREFIX;
  }

  #add(rule: Rule): void {
    if (rule.kind === "dscp") this.#dscp[rule.value] = 1;
    else if (rule.kind === "prefix") {
      this.#prefixes.add(rule.prefix, 0);
      this.#hasPrefixes = true;
    } else {
      for (let port = rule.from; port <= rule.to; port++) this.#ports[port] = (this.#ports[port] ?? 0) | rule.protocol;
    }
  }
}
