import type { BondSettings } from "../../packages/shared/src/bond/index.ts";
import {
  Forwarder,
  type ForwarderCommand,
  type ForwarderEvent,
  type ForwarderSnapshot,
} from "../../packages/shared/src/pipeline/index.ts";
import type { SessionEpoch } from "../../packages/shared/src/session/index.ts";
import { CIPHER_AES_256_GCM, parseEndpoint } from "../../packages/shared/src/wire/index.ts";
import { CostPorts } from "./cost-ports.ts";
import type { LoopCost } from "./cost-result.ts";
import { tcpFrameHeaders } from "./frames.ts";

const TAP = 1;
const FIRST_SOCKET = 10;
const PEER_ID = 0;
const PACKET_BYTES = 1432;
const FLOWS = 8;
const MAC = new Uint8Array(6);
const KEY = new Uint8Array(32);
const EPOCH: SessionEpoch = {
  localIndex: 1,
  remoteIndex: 1,
  sendKey: KEY,
  receiveKey: KEY,
  cipher: CIPHER_AES_256_GCM,
  createdMs: 0,
  farRunId: 1,
  isInitiator: true,
};
const LEAST_DELIVERED = 0.99;
const LAST_TURNS = 5;
const RISES = 10;
const RISE_MS = 300;
/** Members are up and their MTU is known long before. */
const SETTLE_MS = 5_000;

/**
 * Both ends of a bond in one process, each a whole packet loop on ports without a system: full TCP segments of eight flows
 * go from the client to a routed concentrator, which checks their source.
 */
export class CostLoop {
  readonly #client: Forwarder;
  readonly #concentrator: Forwarder;
  readonly #near: CostPorts;
  readonly #far: CostPorts;
  /** What the concentrator's main thread would tell its forwarder. */
  readonly #answers: ForwarderCommand[] = [];
  #snapshot: ForwarderSnapshot | undefined;
  #nowMs = 0;
  #egressMs = 0;
  #ingressMs = 0;

  /** @throws Error when the bond does not come up. */
  constructor(bond: BondSettings, pathCount: number) {
    const frames = Array.from({ length: FLOWS }, (_, flow) => tcpFrameHeaders(flow, PACKET_BYTES));
    const frameBytes = PACKET_BYTES + 14;
    this.#near = new CostPorts(frames, frameBytes);
    this.#far = new CostPorts(frames, frameBytes);
    this.#near.far = this.#far;
    this.#far.far = this.#near;
    const fixed = { tap: TAP, mode: "routed", clientToClient: false, tapMac: MAC, farMac: MAC } as const;
    const needs = { wallNowMs: Date.now, token: () => 0, version: [0, 0, 0] } as const;
    const rest = { random: Math.random, needs };
    this.#client = new Forwarder(this.#near, { ...fixed, role: "client", ...rest }, (event) => this.#onEvent(event));
    this.#concentrator = new Forwarder(this.#far, { ...fixed, role: "concentrator", ...rest }, (event) =>
      this.#onEvent(event),
    );
    this.#connect(bond, pathCount);
    this.#settle(pathCount);
  }

  /**
   * @param batch frames that the TAP has at once. @param kiloframesPerSecond pace of the virtual time, which says how often
   * timers fall due.
   * @throws Error when frames are lost on the way.
   */
  run(frameCount: number, batch: number, kiloframesPerSecond: number): LoopCost {
    const before = this.#far.writtenFrames;
    const cost = this.#send(frameCount, batch, kiloframesPerSecond);
    const delivered = this.#far.writtenFrames - before;
    if (delivered < frameCount * LEAST_DELIVERED) {
      throw new Error(`${delivered} of ${frameCount} frames came through: ${this.#drops()}`);
    }
    return cost;
  }

  /** Traffic that rises to a pace, for policies that have to learn what their paths carry. */
  raise(batch: number, kiloframesPerSecond: number): void {
    for (let pace = kiloframesPerSecond / RISES; pace <= kiloframesPerSecond; pace += kiloframesPerSecond / RISES) {
      this.#send(pace * RISE_MS, batch, pace);
    }
  }

  #send(frameCount: number, batch: number, kiloframesPerSecond: number): LoopCost {
    this.#egressMs = 0;
    this.#ingressMs = 0;
    for (let sent = 0; sent < frameCount; sent += batch) this.#turn(batch, batch / kiloframesPerSecond);
    for (let i = 0; i < LAST_TURNS; i++) this.#turn(0, 1); // What waits in a queue, or for an earlier one.
    return { egressNs: (this.#egressMs * 1e6) / frameCount, ingressNs: (this.#ingressMs * 1e6) / frameCount };
  }

  #turn(frames: number, stepMs: number): void {
    this.#nowMs += stepMs;
    const nowMs = this.#nowMs;
    this.#near.nowTimeMs = nowMs;
    this.#far.nowTimeMs = nowMs;
    this.#near.offeredFrames = frames;
    const startMs = performance.now();
    this.#receive(this.#client, this.#near); // Of the turn before: an answer takes time.
    if (frames > 0) this.#client.onTapReadable();
    this.#client.onTimer(nowMs);
    const middleMs = performance.now();
    this.#receive(this.#concentrator, this.#far);
    this.#concentrator.onTimer(nowMs);
    const endMs = performance.now();
    for (const command of this.#answers.splice(0)) this.#tell(this.#concentrator, command);
    this.#egressMs += middleMs - startMs;
    this.#ingressMs += endMs - middleMs;
  }

  #receive(forwarder: Forwarder, ports: CostPorts): void {
    for (;;) {
      const socket = ports.readableSocket;
      if (socket < 0) return;
      forwarder.onSocketReadable(socket);
    }
  }

  #connect(bond: BondSettings, pathCount: number): void {
    const concentratorAddress = endpoint("203.0.113.10:51900");
    const peer = { peerId: PEER_ID, mode: "routed", bond } as const;
    this.#tell(this.#client, { type: "add-peer", options: { ...peer, name: "far", roams: false, prefixes: [] } });
    this.#tell(this.#client, { type: "install-epoch", peerId: PEER_ID, epoch: EPOCH, fresh: true });
    const prefixes = ["10.200.0.2/32"];
    this.#tell(this.#concentrator, { type: "add-peer", options: { ...peer, name: "home", roams: true, prefixes } });
    const epoch = { ...EPOCH, isInitiator: false };
    this.#tell(this.#concentrator, { type: "install-epoch", peerId: PEER_ID, epoch, fresh: true });
    this.#tell(this.#concentrator, { type: "add-socket", socket: FIRST_SOCKET });
    for (let pathNumber = 0; pathNumber < pathCount; pathNumber++) {
      const socket = FIRST_SOCKET + pathNumber;
      this.#near.connect(socket, FIRST_SOCKET, endpoint(`192.0.2.${pathNumber + 1}:40000`));
      this.#tell(this.#client, { type: "add-socket", socket });
      const place = { peerId: PEER_ID, pathNumber, socket, endpoint: concentratorAddress, deviceMtu: 1500 };
      const options = {
        ...place,
        name: `isp${pathNumber}`,
        metered: false,
        told: {},
        attachJson: "{}",
        attachMessageId: 0,
      };
      this.#tell(this.#client, { type: "add-path", options });
    }
    // The concentrator answers from its one socket; where to is a matter of the endpoint, which no port here looks at.
    this.#far.connect(FIRST_SOCKET, FIRST_SOCKET, concentratorAddress);
  }

  #settle(pathCount: number): void {
    while (this.#nowMs < SETTLE_MS) this.#turn(0, 1);
    for (const end of [this.#client, this.#concentrator]) {
      const up = this.#members(end).filter(({ state }) => state === "up" || state === "standby").length;
      if (up !== pathCount) throw new Error(`${up} of ${pathCount} members are up: ${this.#drops()}`);
    }
  }

  #members(forwarder: Forwarder): ForwarderSnapshot["peers"][number]["members"] {
    return this.#snapshotOf(forwarder)?.peers[0]?.members ?? [];
  }

  #snapshotOf(forwarder: Forwarder): ForwarderSnapshot | undefined {
    this.#tell(forwarder, { type: "snapshot", id: 1 });
    return this.#snapshot;
  }

  /** Why frames did not come through. */
  #drops(): string {
    const ends = { client: this.#client, concentrator: this.#concentrator };
    const drops = Object.entries(ends).map(([name, end]) => [name, this.#snapshotOf(end)?.drops]);
    return JSON.stringify(Object.fromEntries(drops), (_, value) => (value === 0 ? undefined : value));
  }

  #tell(forwarder: Forwarder, command: ForwarderCommand): void {
    forwarder.onCommand(command, this.#nowMs);
  }

  #onEvent(event: ForwarderEvent): void {
    if (event.type === "snapshot") this.#snapshot = event.snapshot;
    if (event.type !== "attach-requested") return;
    const { pathNumber, socket, endpoint: from, messageId: attachMessageId } = event;
    const place = { peerId: PEER_ID, pathNumber, socket, endpoint: from, deviceMtu: 1500 };
    const options = { ...place, name: `isp${pathNumber}`, metered: false, told: {}, attachJson: null, attachMessageId };
    this.#answers.push({ type: "add-path", options });
  }
}

function endpoint(text: string): Int32Array {
  const record = parseEndpoint(text);
  if (record === null) throw new Error(text);
  return record;
}
