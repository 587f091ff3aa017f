import type { BondStatus } from "@wanbond/shared/control";
import { native } from "@wanbond/shared/io";
import type { ForwarderEvent, PeerSnapshot } from "@wanbond/shared/pipeline";
import type { ResolvedUplink } from "../uplink/index.ts";
import { type ChoiceReason, ConcentratorChoice } from "./concentrator-choice.ts";
import { ConcentratorLink, type LinkParts, type LinkSink } from "./concentrator-link.ts";
import { TapCounters } from "./tap-counters.ts";

/** What the set tells its owner. */
export interface SetSink extends LinkSink {
  /** Another concentrator carries the traffic from now on. */
  moved(): void;
}

/** The links to all concentrators of the configuration, and which of them is used. */
export class ConcentratorSet {
  readonly #parts: LinkParts;
  readonly #links: readonly ConcentratorLink[];
  readonly #choice: ConcentratorChoice;
  readonly #sink: SetSink;
  readonly #counters: TapCounters;

  constructor(parts: LinkParts, presharedKeys: readonly (Uint8Array | null)[], sink: SetSink) {
    const { concentrators, client, failover } = parts.config;
    this.#parts = parts;
    this.#sink = sink;
    this.#counters = new TapCounters(client.tap);
    this.#links = concentrators.map(
      (concentrator, index) => new ConcentratorLink(index, concentrator, presharedKeys[index] ?? null, parts, sink),
    );
    const choiceSink = {
      use: (index: number, from: number, why: ChoiceReason) => this.#use(index, from, why),
      attend: (peerId: number) => parts.thread.send({ type: "attend-peer", peerId }),
    };
    const choice = { count: concentrators.length, ...failover };
    this.#choice = new ConcentratorChoice(choice, choiceSink, native().nowMs());
    this.used.inUse = true;
  }

  /** The one that carries the traffic, or would if it could. */
  get used(): ConcentratorLink {
    const link = this.#links[this.#choice.used];
    if (link === undefined) throw new Error("unreachable: a client has a concentrator");
    return link;
  }

  /** Of the concentrator with this name; undefined when there is none. */
  byName(name: string): ConcentratorLink | undefined {
    return this.#links.find((link) => link.name === name);
  }

  open(): void {
    for (const link of this.#links) link.open();
  }

  start(): void {
    for (const link of this.#links) link.start();
  }

  stop(): void {
    for (const link of this.#links) link.stop();
  }

  closeSockets(): void {
    for (const link of this.#links) link.closeSockets();
  }

  update(uplinks: readonly ResolvedUplink[]): void {
    for (const link of this.#links) link.update(uplinks);
  }

  /** Only the one that asked knows the index in an answer. */
  onHandshake(bytes: Uint8Array): void {
    for (const link of this.#links) link.onHandshake(bytes);
  }

  /** @returns the name of the concentrator that the event is about; "" when it is about none. */
  nameOf(event: ForwarderEvent): string {
    return this.#linkOf(event)?.name ?? "";
  }

  onEvent(event: ForwarderEvent): void {
    const link = this.#linkOf(event);
    if (link === undefined) return;
    const wasReady = link.ready;
    link.onEvent(event);
    if (link.ready !== wasReady) this.#onReady(link);
  }

  /** Several times a second. */
  onTick(nowMs: number): void {
    if (this.#links.length === 1) return;
    if (this.#choice.waitsForCalm) this.#choice.onPackets(this.#counters.packetsPerS(nowMs), nowMs);
    this.#choice.onTick(nowMs);
  }

  status(peers: readonly PeerSnapshot[]): BondStatus[] {
    return this.#links.map((link) => link.status(peers));
  }

  #linkOf(event: ForwarderEvent): ConcentratorLink | undefined {
    return "peerId" in event ? this.#links[event.peerId] : undefined;
  }

  #onReady(link: ConcentratorLink): void {
    this.#choice.onReachable(link.peerId, link.ready, native().nowMs());
    if (this.#links.length === 1) return;
    const { name: peer, rttMs, ready } = link;
    const fields = { event: ready ? "concentrator-reachable" : "concentrator-unreachable", peer, rttMs };
    this.#parts.log[ready ? "info" : "warn"](
      { ...fields, inUse: link === this.used },
      ready ? "this concentrator can carry traffic" : "this concentrator is not reachable over any uplink",
    );
  }

  #use(index: number, from: number, why: ChoiceReason): void {
    for (const link of this.#links) link.inUse = link.peerId === index;
    this.#parts.thread.send({ type: "use-peer", peerId: index });
    const names = { from: this.#links[from]?.name, to: this.used.name };
    const numbers = Object.entries(why).map(([key, value]) => [
      key,
      typeof value === "number" ? Math.round(value) : value,
    ]);
    const fields = { event: "concentrator-changed", ...names, ...Object.fromEntries(numbers), rttMs: this.used.rttMs };
    const sentence =
      why.reason === "unreachable"
        ? "the concentrator in use is not reachable: another one carries the traffic"
        : "a preferred concentrator has been reachable for long enough: it carries the traffic";
    this.#parts.log[why.reason === "unreachable" ? "warn" : "info"](fields, sentence);
    this.#sink.moved();
  }
}
