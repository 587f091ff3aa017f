import { randomBytes } from "node:crypto";
import {
  type BondSettings,
  type ClientConfig,
  type ClientKeys,
  type ConfigPush,
  encodeAttachInfo,
  encodeBondingPush,
  formatEndpoint,
  parseConfigPush,
  resolveBond,
} from "@wanbond/shared/config";
import type { MeasureAnswer, MeasureOptions, MemberHistory, StatusSnapshot } from "@wanbond/shared/control";
import { ForwarderThread, native } from "@wanbond/shared/io";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import {
  BRIDGED_TAP_MTU,
  bondStatus,
  DeadlineTimer,
  FAR_MAC,
  logForwarderEvent,
  memberHistory,
  type OpenTap,
  openTap,
  type ProgramContext,
  RepeatedTask,
  type Running,
  warnOfFirewalls,
} from "@wanbond/shared/runtime";
import { HandshakeInitiator, type SessionEpoch, SessionIndexes } from "@wanbond/shared/session";
import { HandshakeLog } from "./handshake-log.ts";
import { reconcileLan } from "./lan/index.ts";
import { LineMeter, linesOf } from "./measure/index.ts";
import {
  diffUplinks,
  type ResolvedUplink,
  readUplinkFacts,
  resolveUplinks,
  type UplinkFacts,
  UplinkPaths,
  UplinkPinning,
} from "./uplink/index.ts";

/** The concentrator; a client has no other peer. */
const PEER_ID = 0;
const PEER_NAME = "concentrator";
/** IPv6 takes its addresses away from a device below this (RFC 8200); larger packets than fit are fragmented by us. */
const SMALLEST_TAP_MTU = 1280;
/** The system is looked at this often even if rtnetlink says nothing. */
const RECONCILE_MS = 10_000;

/** Starts the home side: TAP, forwarder, uplinks, handshake. */
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
  readonly #initiator: HandshakeInitiator;
  readonly #handshakeTimer: DeadlineTimer;
  readonly #handshakeLog: HandshakeLog;
  readonly #indexes = new SessionIndexes(randomBytes);
  readonly #pinning: UplinkPinning;
  readonly #meter: LineMeter;
  readonly #paths: UplinkPaths;
  readonly #reconciliation: RepeatedTask;
  readonly #startedMs = native().nowMs();
  #bond: BondSettings;
  #uplinks: readonly ResolvedUplink[] = [];
  #push: ConfigPush | undefined;
  #innerMtu = SMALLEST_TAP_MTU;
  /** Drawn by the concentrator at its start; another one means that it has started anew. */
  #farRunId: number | undefined;
  #ready = false;

  constructor(context: ProgramContext, config: ClientConfig, keys: ClientKeys, tap: OpenTap) {
    this.#context = context;
    this.#config = config;
    this.#tap = tap;
    this.#bond = resolveBond(config.bonding);
    this.#thread = this.#startThread();
    this.#handshakeLog = new HandshakeLog(context.log, preferredOf(config).endpoints.map(formatEndpoint));
    this.#initiator = this.#createInitiator(keys);
    this.#handshakeTimer = new DeadlineTimer(this.#initiator, native().nowMs);
    this.#meter = new LineMeter(this.#thread, context.runner);
    this.#pinning = new UplinkPinning(context.changes, context.instance);
    this.#paths = new UplinkPaths(
      this.#thread,
      context.log,
      PEER_ID,
      preferredOf(config).endpoints,
      (uplink) => this.#traitsOf(uplink),
      () => this.#reconciliation.request(),
    );
    this.#reconciliation = new RepeatedTask(() => this.#reconcile(), RECONCILE_MS);
  }

  async start(): Promise<void> {
    const { log } = this.#context;
    if (!this.#tap.offloads.tso) {
      log.warn({ event: "no-tap-offload" }, "the kernel hands over frames one by one: expect a quarter of the speed");
    }
    const bond = this.#bond;
    const { mode } = this.#config.client;
    this.#thread.send({
      type: "add-peer",
      options: { peerId: PEER_ID, name: PEER_NAME, mode, bond, roams: false, prefixes: [] },
    });
    await this.#reconciliation.runNow();
    this.#warnOfMissing();
    if (mode === "routed") await warnOfFirewalls(log, this.#context.runner, this.#config.client.tap);
    this.#initiator.start(native().nowMs());
    this.#handshakeTimer.arm();
    log.info({ event: "started", tap: this.#config.client.tap, policy: bond.policy }, "asking the concentrator");
  }

  async stop(): Promise<void> {
    this.#handshakeTimer.stop();
    await this.#reconciliation.stop();
    this.#thread.send({ type: "remove-peer", peerId: PEER_ID, closeReason: 0 });
    await this.#thread.stop();
    this.#paths.closeAll();
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
      bonds: [
        bondStatus(PEER_NAME, this.#bond, this.#push?.addresses ?? [], peers[0], ({ pathNumber }) =>
          this.#paths.factsOf(pathNumber),
        ),
      ],
    };
  }

  async history(_peer: string, path: number): Promise<MemberHistory> {
    return memberHistory(await this.#thread.history(PEER_ID, path), native().nowMs());
  }

  async measure(options: MeasureOptions): Promise<MeasureAnswer> {
    const [peer] = (await this.#thread.snapshot()).peers;
    const isUp = (name: string) => peer?.members.some((member) => member.name === name && member.state !== "down");
    const lines = linesOf(this.#uplinks, (uplink) => ({
      metered: this.#traitsOf(uplink).metered,
      endpoint: this.#paths.endpointOf(uplink.name),
      memberUp: isUp(uplink.name) ?? false,
    }));
    const session = peer !== undefined && peer.sessionAgeMs !== null;
    return { version: 1, session, lines: await this.#meter.measure(PEER_ID, lines, options) };
  }

  // ---- the forwarder

  #startThread(): ForwarderThread {
    const { mode } = this.#config.client;
    const options = { role: "client", mode, tap: this.#tap.fd, clientToClient: false } as const;
    return new ForwarderThread(
      { ...options, tapMac: this.#tap.mac, farMac: FAR_MAC },
      (event) => this.#onEvent(event),
      (error) => this.#context.fail(error),
    );
  }

  #onEvent(event: ForwarderEvent): void {
    logForwarderEvent(this.#context.log, event, PEER_NAME);
    switch (event.type) {
      case "handshakes":
        for (const { bytes } of event.items) this.#initiator.onDatagram(bytes, native().nowMs());
        this.#thread.send({ type: "handshakes-taken", count: event.items.length });
        this.#handshakeTimer.arm();
        break;
      case "epoch-forgotten":
        this.#indexes.release(event.localIndex);
        break;
      case "observed":
        this.#meter.onObserved(event);
        break;
      case "config-received":
        this.#onPush(event.json);
        break;
      case "bond-mtu":
        this.#innerMtu = event.mtu;
        this.#reconciliation.request();
        break;
      case "network-changed":
        this.#reconciliation.request();
        break;
      case "peer-silent":
      case "closed":
        this.#askForKeys();
        break;
      default:
        break; // only logged
    }
  }

  // ---- the handshake

  #createInitiator(keys: ClientKeys): HandshakeInitiator {
    const { encryption } = this.#config.client;
    const { publicKey: peerPublicKey } = preferredOf(this.#config);
    const presharedKey = keys.presharedKeys[0] ?? new Uint8Array(32);
    return new HandshakeInitiator(
      { privateKey: keys.privateKey, peerPublicKey, presharedKey, encryption, hasAes: native().hasAesInstructions() },
      {
        randomBytes,
        random: Math.random,
        wallNowMs: Date.now,
        indexes: this.#indexes,
        runId: randomBytes(4).readUInt32LE(),
      },
      {
        send: (datagram) => this.#paths.sendHandshake(datagram),
        established: (epoch) => this.#onEstablished(epoch),
        event: (event) => this.#handshakeLog.onEvent(event, native().nowMs()),
      },
    );
  }

  #askForKeys(): void {
    this.#initiator.restart(native().nowMs());
    this.#handshakeTimer.arm();
  }

  #onEstablished(epoch: SessionEpoch): void {
    this.#handshakeLog.onEstablished();
    const fresh = epoch.farRunId !== this.#farRunId;
    this.#farRunId = epoch.farRunId;
    this.#thread.send({ type: "install-epoch", peerId: PEER_ID, epoch, fresh });
    const { bonding } = this.#config;
    if (fresh && bonding !== undefined) {
      this.#thread.send({ type: "send-config", peerId: PEER_ID, json: encodeBondingPush(bonding) });
    }
  }

  // ---- what the concentrator says

  #onPush(json: string): void {
    const { log } = this.#context;
    const push = parseConfigPush(Buffer.from(json));
    if (push === null) {
      log.error(
        { event: "push-refused" },
        "the concentrator's configuration is of a version this client does not know",
      );
      return;
    }
    if (push.mode !== this.#config.client.mode) {
      const fields = { event: "mode-differs", here: this.#config.client.mode, there: push.mode };
      log.error(fields, "set the same mode on both sides: nothing can pass");
      return;
    }
    this.#push = push;
    this.#compareLan(push);
    if (this.#config.bonding === undefined && push.bonding !== null) {
      this.#bond = resolveBond(push.bonding, push.name);
      this.#thread.send({ type: "set-bond", peerId: PEER_ID, bond: this.#bond });
    }
    void this.#reconciliation.runNow().then(() => this.#sayReady(push));
  }

  /** Replies to a LAN that the concentrator does not route would go nowhere. */
  #compareLan(push: ConfigPush): void {
    const missing = this.#config.client.lan.map(({ text }) => text).filter((network) => !push.lan.includes(network));
    if (missing.length === 0) return;
    const fields = { event: "lan-not-routed", networks: missing };
    this.#context.log.warn(fields, "add these networks to the client's routes in the concentrator's file");
  }

  #sayReady(push: ConfigPush): void {
    const { addresses, routes } = push;
    const fields = { event: this.#ready ? "reconfigured" : "ready", name: push.name, addresses, routes };
    this.#ready = true;
    this.#context.log.info(fields, "the tunnel carries traffic");
  }

  // ---- the system

  async #reconcile(): Promise<void> {
    try {
      const facts = await readUplinkFacts(this.#context.runner);
      const uplinks = this.#resolve(facts);
      this.#logUplinks(uplinks);
      this.#uplinks = uplinks;
      await this.#pinning.reconcile(uplinks);
      const opened = this.#paths.update(uplinks);
      await this.#reconcileLan(facts);
      if (opened && !this.#ready) this.#askForKeys();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#context.log.error({ event: "reconcile-failed", problem }, "the system could not be looked at; tried again");
    }
  }

  #resolve(facts: UplinkFacts): ResolvedUplink[] {
    return resolveUplinks(this.#config.uplinks, facts, [this.#config.client.tap]);
  }

  async #reconcileLan(facts: UplinkFacts): Promise<void> {
    const { tap, mode, bridge, mtu, defaultRoute } = this.#config.client;
    const push = this.#push;
    const report = await reconcileLan(this.#context.changes, this.#context.instance, {
      tap,
      mode,
      bridge,
      mtu: mtu === "auto" ? Math.max(SMALLEST_TAP_MTU, push?.mtu ?? this.#innerTapMtu()) : mtu,
      addresses: push?.addresses ?? [],
      routes: push?.routes ?? [],
      defaultRoute: defaultRoute && push !== undefined,
      uplinkDevices: this.#uplinks.map(({ device }) => device),
      defaultRoutes: facts.defaultRoutes,
    });
    const { log } = this.#context;
    if (report.healed.length > 0)
      log.warn({ event: "healed", changes: report.healed }, "mended what was changed by others");
    for (const { key, problem } of report.failed)
      log.error({ event: "change-failed", change: key, problem }, "tried again");
  }

  #innerTapMtu(): number {
    return this.#config.client.mode === "bridged" ? BRIDGED_TAP_MTU : this.#innerMtu;
  }

  /** At the start, when a name may be mistyped; later a device that goes is an event of its own. */
  #warnOfMissing(): void {
    const { log } = this.#context;
    for (const { name, device } of this.#uplinks.filter(({ unusable }) => unusable === "no-device")) {
      const sentence = `there is no device ${device} (ip link shows those there are); the uplink waits for it`;
      log.warn({ event: "uplink-missing", uplink: name, device }, sentence);
    }
    if (this.#uplinks.length > 0) return;
    log.warn({ event: "no-uplinks" }, "no device has a default route (ip route show default); waiting for one");
  }

  #logUplinks(uplinks: readonly ResolvedUplink[]): void {
    for (const change of diffUplinks(this.#uplinks, uplinks)) {
      const { name, device, ipv4, ipv6 } = change.uplink;
      const fields = { event: `uplink-${change.event}`, uplink: name, device, ipv4, ipv6 };
      if (change.event === "down") {
        this.#context.log.warn({ ...fields, reason: change.reason }, "the uplink cannot be used");
      } else if (change.event === "changed") {
        this.#context.log.info({ ...fields, fields: change.fields }, "the uplink changed");
      } else this.#context.log.info(fields, `the uplink is ${change.event === "gone" ? "gone" : "there"}`);
    }
  }

  #traitsOf({ name, device }: ResolvedUplink): { metered: boolean; mtu: number | "auto"; attachJson: string } {
    const { uplinks } = this.#config;
    const uplink = uplinks === "auto" ? undefined : uplinks.find((each) => each.name === name);
    const metered = uplink?.metered ?? false;
    const attachJson = encodeAttachInfo({ name, device, metered, settings: {} });
    return { metered, mtu: uplink?.mtu ?? "auto", attachJson };
  }
}

function preferredOf({ concentrators: [preferred] }: ClientConfig): ClientConfig["concentrators"][number] {
  if (preferred === undefined) throw new Error("unreachable: the schema wants one concentrator");
  return preferred;
}
