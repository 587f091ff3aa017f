import { randomBytes } from "node:crypto";
import type { ClientConfig, ClientKeys, ConfigPush } from "@wanbond/shared/config";
import type { MeasureAnswer, MeasureOptions, MemberHistory, StatusSnapshot } from "@wanbond/shared/control";
import { type ForwarderThread, native } from "@wanbond/shared/io";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import {
  logForwarderEvent,
  memberHistory,
  type OpenTap,
  openTap,
  type ProgramContext,
  RECONCILE_MS,
  RepeatedTask,
  type Running,
  reconcileAndLog,
  startForwarder,
  warnOfFirewalls,
  warnOfSlowTap,
} from "@wanbond/shared/runtime";
import { SessionIndexes } from "@wanbond/shared/session";
import { type ConcentratorLink, ConcentratorSet } from "./concentrators/index.ts";
import { type FallbackDecision, FallbackWatch } from "./fallback/index.ts";
import { HomeNetwork, type HomeWishes } from "./home-network.ts";
import { LineMeter, linesOf } from "./measure/index.ts";
import { uplinkSettings, warnOfMissing } from "./uplink/index.ts";

/** Which concentrator is used, and whether any is, is asked this often. */
const DECIDE_MS = 250;

/** Starts the home side: TAP, forwarder, uplinks, handshakes. */
export async function startAgent(context: ProgramContext, config: ClientConfig, keys: ClientKeys): Promise<Running> {
  const tap = await openTap(context.runner, config.client.tap);
  const agent = new Agent(context, config, keys, tap);
  try {
    await agent.start();
  } catch (error) {
    await agent.stop();
    throw error;
  }
  return agent;
}

class Agent implements Running {
  readonly #context: ProgramContext;
  readonly #config: ClientConfig;
  readonly #tap: OpenTap;
  readonly #thread: ForwarderThread;
  readonly #indexes = new SessionIndexes(randomBytes);
  readonly #concentrators: ConcentratorSet;
  readonly #fallback: FallbackWatch;
  readonly #network: HomeNetwork;
  readonly #meter: LineMeter;
  readonly #reconciliation: RepeatedTask;
  readonly #decisions: RepeatedTask;
  readonly #startedMs = native().nowMs();
  #ready = false;

  constructor(context: ProgramContext, config: ClientConfig, keys: ClientKeys, tap: OpenTap) {
    this.#context = context;
    this.#config = config;
    this.#tap = tap;
    const { mode } = config.client;
    const options = { role: "client", mode, clientToClient: false } as const;
    this.#thread = startForwarder(context, tap, options, (event) => this.#onEvent(event));
    this.#concentrators = this.#createConcentrators(keys);
    const sink = { changed: (decision: FallbackDecision) => this.#onFallback(decision) };
    this.#fallback = new FallbackWatch(config, context.log, sink, native().nowMs);
    this.#network = new HomeNetwork(context, config);
    this.#meter = new LineMeter(this.#thread, context.runner);
    this.#reconciliation = new RepeatedTask(() => this.#reconcile(), RECONCILE_MS);
    this.#decisions = new RepeatedTask(async () => this.#decide(), DECIDE_MS);
  }

  async start(): Promise<void> {
    const { log, runner } = this.#context;
    const { mode, tap } = this.#config.client;
    warnOfSlowTap(log, this.#tap);
    this.#concentrators.open();
    await this.#reconciliation.runNow();
    warnOfMissing(log, this.#network.uplinks);
    if (mode === "routed") await warnOfFirewalls(log, runner, tap);
    this.#concentrators.start();
    await this.#decisions.runNow();
    const { policy } = this.#concentrators.used.bond;
    log.info({ event: "started", tap, policy }, "asking the concentrator");
    const { killSwitch } = this.#config.fallback;
    if (killSwitch === "off") return;
    log.info({ event: "kill-switch", killSwitch }, "nothing of the LAN leaves but through the bond");
  }

  async stop(): Promise<void> {
    await this.#decisions.stop();
    await this.#reconciliation.stop();
    this.#concentrators.stop();
    await this.#thread.stop();
    this.#concentrators.closeSockets();
    native().close(this.#tap.fd);
  }

  async read(): Promise<StatusSnapshot> {
    const { drops, peers } = await this.#thread.snapshot();
    return {
      version: 1,
      role: "client",
      pid: process.pid,
      uptimeMs: native().nowMs() - this.#startedMs,
      tap: this.#config.client.tap,
      drops,
      bonds: this.#concentrators.status(peers),
      fallback: this.#fallback.status(this.#concentrators.used.ready),
    };
  }

  async history(peer: string, path: number): Promise<MemberHistory> {
    const link = this.#concentrators.byName(peer);
    if (link === undefined) return { seconds: [], events: [] };
    return memberHistory(await this.#thread.history(link.peerId, path), native().nowMs());
  }

  async measure(options: MeasureOptions): Promise<MeasureAnswer> {
    const link = this.#concentrators.used;
    const peer = (await this.#thread.snapshot()).peers.find(({ peerId }) => peerId === link.peerId);
    const isUp = (name: string) => peer?.members.some((member) => member.name === name && member.state !== "down");
    const lines = linesOf(this.#network.uplinks, ({ name }) => ({
      metered: uplinkSettings(this.#config, name).metered,
      endpoint: link.endpointOf(name),
      memberUp: isUp(name) ?? false,
    }));
    const session = peer !== undefined && peer.sessionAgeMs !== null;
    return { version: 1, session, lines: await this.#meter.measure(link.peerId, lines, options) };
  }

  // ---- what happens

  #createConcentrators(keys: ClientKeys): ConcentratorSet {
    const parts = {
      config: this.#config,
      log: this.#context.log,
      thread: this.#thread,
      privateKey: keys.privateKey,
      indexes: this.#indexes,
      runId: randomBytes(4).readUInt32LE(),
    };
    return new ConcentratorSet(parts, keys.presharedKeys, {
      changed: () => this.#reconciliation.request(),
      pushed: (link) => this.#onPush(link),
      moved: () => void this.#reconcileFor(this.#concentrators.used),
    });
  }

  #onEvent(event: ForwarderEvent): void {
    logForwarderEvent(this.#context.log, event, this.#concentrators.nameOf(event));
    this.#concentrators.onEvent(event);
    switch (event.type) {
      case "handshakes":
        for (const { bytes } of event.items) this.#concentrators.onHandshake(bytes);
        this.#thread.send({ type: "handshakes-taken", count: event.items.length });
        break;
      case "epoch-forgotten":
        this.#indexes.release(event.localIndex);
        break;
      case "observed":
        this.#meter.onObserved(event);
        break;
      case "network-changed":
        this.#reconciliation.request();
        break;
      default:
        break; // of a concentrator, or only logged
    }
  }

  /** A concentrator that is not in use may say what it wants: it counts when it is. */
  #onPush(link: ConcentratorLink): void {
    if (link === this.#concentrators.used) void this.#reconcileFor(link);
  }

  async #reconcileFor(link: ConcentratorLink): Promise<void> {
    await this.#reconciliation.runNow();
    if (link.push !== undefined) this.#sayReady(link.name, link.push);
  }

  #sayReady(concentrator: string, { name, addresses, routes }: ConfigPush): void {
    const fields = { event: this.#ready ? "reconfigured" : "ready", concentrator, name, addresses, routes };
    this.#ready = true;
    this.#context.log.info(fields, "the tunnel carries traffic");
  }

  #decide(): void {
    const nowMs = native().nowMs();
    this.#concentrators.onTick(nowMs);
    this.#fallback.onTick(this.#concentrators.used.ready, nowMs);
  }

  #onFallback(decision: FallbackDecision): void {
    void this.#reconciliation.runNow();
    const device = this.#fallback.direct?.device;
    if (decision.type === "ended" || device === undefined) return;
    const { log, runner, fail } = this.#context;
    warnOfFirewalls(log, runner, device).catch(fail);
  }

  // ---- the system

  async #reconcile(): Promise<void> {
    await reconcileAndLog(this.#context.log, () => this.#network.reconcile(() => this.#onUplinks()));
  }

  #onUplinks(): HomeWishes {
    const { uplinks } = this.#network;
    this.#concentrators.update(uplinks);
    this.#fallback.update(uplinks);
    const { push, innerMtu } = this.#concentrators.used;
    return { push, innerMtu, direct: this.#fallback.direct };
  }
}
