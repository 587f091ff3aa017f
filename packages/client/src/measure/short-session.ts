import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  type ClientConfig,
  type ClientKeys,
  type ConfigPush,
  encodeAttachInfo,
  parseConfigPush,
  resolveBond,
} from "@wanbond/shared/config";
import { createEventLog, EventRing, type MeasureAnswer, type MeasureOptions } from "@wanbond/shared/control";
import { ForwarderThread, native } from "@wanbond/shared/io";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import { DeadlineTimer, FAR_MAC } from "@wanbond/shared/runtime";
import { HandshakeInitiator, type SessionEpoch, SessionIndexes } from "@wanbond/shared/session";
import {
  acquireInstanceLock,
  makeStateDirectory,
  type Runner,
  removeIfEmpty,
  SystemChanges,
} from "@wanbond/shared/system";
import {
  type ResolvedUplink,
  readUplinkFacts,
  resolveUplinks,
  UplinkPaths,
  UplinkPinning,
  uplinkSettings,
} from "../uplink/index.ts";
import { LineMeter } from "./line-meter.ts";
import { linesOf } from "./lines-of.ts";

const PEER_ID = 0;
/** A concentrator that is there answers within two tries of a handshake. */
const SESSION_PATIENCE_MS = 8_000;
/** Members of the other lines come up a little later. */
const MEMBERS_PATIENCE_MS = 2_000;
const POLL_MS = 50;
/** poll(2) passes over it. */
const NO_TAP = -1;

type Concentrator = ClientConfig["concentrators"][number];

/** What the lines of a client that does not run are like, and what the concentrator says of the bond. */
interface ShortSessionResult {
  readonly answer: MeasureAnswer;
  readonly push: ConfigPush | null;
}

/**
 * Begins a session of its own, without a device and without routes through it, measures the lines and ends it. For a
 * client that does not run: the lock of its name is held meanwhile, since two sessions of one identity take each other's
 * place. Its rules stay apart from those of a killed client, which are left as they are.
 *
 * @throws WanbondError when a program of that name runs.
 */
export async function measureWithoutProgram(
  runner: Runner,
  directory: string,
  { config, keys }: { readonly config: ClientConfig; readonly keys: ClientKeys },
  options: MeasureOptions,
): Promise<ShortSessionResult> {
  makeStateDirectory(directory);
  const { tap } = config.client;
  const identity = acquireInstanceLock(directory, `client-${tap}`);
  // Tables and priorities of another number: those of a killed client may still stand under its own.
  const lock = acquireInstanceLock(directory, `doctor-${tap}`);
  const changes = new SystemChanges(runner, join(directory, `doctor-${tap}.journal`));
  try {
    await changes.recover();
    const uplinks = resolveUplinks(config.uplinks, await readUplinkFacts(runner), [tap], config.otherUplinks);
    await new UplinkPinning(changes, lock.number).reconcile(uplinks);
    return await measureBest(runner, { config, keys }, uplinks, options);
  } finally {
    await changes.undoAll();
    lock.release();
    identity.release();
    removeIfEmpty(directory);
  }
}

/** Over the first concentrator that answers; when none does, over the preferred one, which then is silent on every line. */
async function measureBest(
  runner: Runner,
  { config, keys }: { readonly config: ClientConfig; readonly keys: ClientKeys },
  uplinks: readonly ResolvedUplink[],
  options: MeasureOptions,
): Promise<ShortSessionResult> {
  for (const [index, concentrator] of config.concentrators.entries()) {
    const presharedKey = keys.presharedKeys[index] ?? new Uint8Array(32);
    const session = new ShortSession(runner, config, concentrator, { privateKey: keys.privateKey, presharedKey });
    try {
      const isLast = index === config.concentrators.length - 1;
      if ((await session.start(uplinks)) || isLast) return await session.measure(uplinks, options);
    } finally {
      await session.stop();
    }
  }
  throw new Error("a client's file names at least one concentrator");
}

class ShortSession {
  readonly #config: ClientConfig;
  readonly #thread: ForwarderThread;
  readonly #initiator: HandshakeInitiator;
  readonly #timer: DeadlineTimer;
  readonly #indexes = new SessionIndexes(randomBytes);
  readonly #paths: UplinkPaths;
  readonly #meter: LineMeter;
  #uplinks: readonly ResolvedUplink[] = [];
  #push: ConfigPush | null = null;

  constructor(
    runner: Runner,
    config: ClientConfig,
    concentrator: Concentrator,
    keys: { readonly privateKey: Uint8Array; readonly presharedKey: Uint8Array },
  ) {
    this.#config = config;
    const { mode } = config.client;
    const options = {
      role: "client",
      mode,
      tap: NO_TAP,
      clientToClient: false,
      tapMac: FAR_MAC,
      farMac: FAR_MAC,
    } as const;
    this.#thread = new ForwarderThread(options, (event) => this.#onEvent(event), ignore);
    this.#meter = new LineMeter(this.#thread, runner);
    const log = createEventLog({ role: "doctor", level: "error", pretty: false, write: ignore, ring: new EventRing() });
    const traits = (uplink: ResolvedUplink) => this.#traitsOf(uplink);
    const again = () => void this.#paths.update(this.#uplinks);
    this.#paths = new UplinkPaths(this.#thread, log, PEER_ID, concentrator.endpoints, traits, again);
    this.#initiator = this.#createInitiator(concentrator.publicKey, keys);
    this.#timer = new DeadlineTimer(this.#initiator, native().nowMs);
  }

  /** @returns whether the concentrator answered. */
  async start(uplinks: readonly ResolvedUplink[]): Promise<boolean> {
    this.#uplinks = uplinks;
    const { mode } = this.#config.client;
    const bond = resolveBond(undefined);
    const options = { peerId: PEER_ID, name: "concentrator", mode, bond, roams: false, prefixes: [] };
    this.#thread.send({ type: "add-peer", options });
    this.#paths.update(uplinks);
    this.#initiator.start(native().nowMs());
    this.#timer.arm();
    const stands = await this.#until(SESSION_PATIENCE_MS, async () => (await this.#peer())?.sessionAgeMs != null);
    const usable = uplinks.filter(({ unusable }) => unusable === null).length;
    if (stands) await this.#until(MEMBERS_PATIENCE_MS, async () => (await this.#membersUp()).length >= usable);
    return stands;
  }

  async measure(uplinks: readonly ResolvedUplink[], options: MeasureOptions): Promise<ShortSessionResult> {
    const members = await this.#membersUp();
    const lines = linesOf(uplinks, (uplink) => ({
      metered: this.#traitsOf(uplink).metered,
      endpoint: this.#paths.endpointOf(uplink.name),
      memberUp: members.includes(uplink.name),
    }));
    const session = (await this.#peer())?.sessionAgeMs != null;
    const measured = await this.#meter.measure(PEER_ID, lines, options);
    return { answer: { version: 1, session, lines: measured }, push: this.#push };
  }

  async stop(): Promise<void> {
    this.#timer.stop();
    this.#thread.send({ type: "remove-peer", peerId: PEER_ID, closeReason: 0 });
    await this.#thread.stop();
    this.#paths.closeAll();
  }

  #onEvent(event: ForwarderEvent): void {
    switch (event.type) {
      case "handshakes":
        for (const { bytes } of event.items) this.#initiator.onDatagram(bytes, native().nowMs());
        this.#thread.send({ type: "handshakes-taken", count: event.items.length });
        this.#timer.arm();
        break;
      case "epoch-forgotten":
        this.#indexes.release(event.localIndex);
        break;
      case "config-received":
        this.#push = parseConfigPush(Buffer.from(event.json));
        break;
      case "observed":
        this.#meter.onObserved(event);
        break;
      case "peer-silent":
        this.#initiator.restart(native().nowMs());
        this.#timer.arm();
        break;
      default:
        break; // of no use for a minute
    }
  }

  #createInitiator(
    peerPublicKey: Uint8Array,
    keys: { readonly privateKey: Uint8Array; readonly presharedKey: Uint8Array },
  ): HandshakeInitiator {
    const { encryption } = this.#config.client;
    const { random } = Math;
    const runId = randomBytes(4).readUInt32LE();
    return new HandshakeInitiator(
      { ...keys, peerPublicKey, encryption, hasAes: native().hasAesInstructions() },
      { randomBytes, random, wallNowMs: Date.now, indexes: this.#indexes, runId },
      {
        send: (datagram) => this.#paths.sendHandshake(datagram),
        established: (epoch) => this.#onEstablished(epoch),
        event: ignore,
      },
    );
  }

  #onEstablished(epoch: SessionEpoch): void {
    this.#thread.send({ type: "install-epoch", peerId: PEER_ID, epoch, fresh: this.#push === null });
  }

  async #peer() {
    return (await this.#thread.snapshot()).peers[0];
  }

  async #membersUp(): Promise<string[]> {
    const members = (await this.#peer())?.members ?? [];
    return members.filter(({ state }) => state === "up" || state === "standby").map(({ name }) => name);
  }

  async #until(patienceMs: number, holds: () => Promise<boolean>): Promise<boolean> {
    const endMs = native().nowMs() + patienceMs;
    while (native().nowMs() < endMs) {
      if (await holds()) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  #traitsOf({ name, device }: ResolvedUplink): { metered: boolean; mtu: number | "auto"; attachJson: string } {
    const { metered, mtu } = uplinkSettings(this.#config, name);
    const attachJson = encodeAttachInfo({ name, device, metered, settings: {} });
    return { metered, mtu, attachJson };
  }
}

function ignore(): void {
  // Nobody reads the log of a minute; a thread that ended shows as questions without answers.
}
