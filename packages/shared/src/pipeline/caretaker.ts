import type { Path, Peer } from "../peer/index.ts";
import type { ControlChannel } from "./control-channel.ts";
import type { EmitEvent } from "./events.ts";
import type { SessionTable } from "./session-table.ts";

/** Attempts to attach come ever slower, to leave a dead line in peace. */
const ATTACH_LONGEST_GAP_MS = 2_000;
/** Members are compared, and the bond told of their quality, this often. */
const QUALITY_INTERVAL_MS = 100;
/** The far end hears of our MTU again this often, because the message is not acknowledged. */
const BOND_MTU_INTERVAL_MS = 5_000;
const CONFIG_REPEAT_MS = 300;
/** All paths down and nothing heard for this long: perhaps the far end has lost its keys. */
const SILENT_AFTER_MS = 800;

/** The timed duties towards one peer: attach, probe, compare the members, tell the far end what it should know. */
export class Caretaker {
  readonly #control: ControlChannel;
  readonly #sessions: SessionTable;
  readonly #emit: EmitEvent;

  constructor(control: ControlChannel, sessions: SessionTable, emit: EmitEvent) {
    this.#control = control;
    this.#sessions = sessions;
    this.#emit = emit;
  }

  /** @returns when it wants to be called again, at the latest. */
  onTimer(peer: Peer, nowMs: number): number {
    this.#sessions.expire(peer, nowMs);
    if (nowMs >= peer.nextQualityMs) {
      peer.nextQualityMs = nowMs + QUALITY_INTERVAL_MS;
      this.#compareMembers(peer, nowMs);
      peer.renewRepairMs();
      this.#watchReach(peer);
      this.#watchSilence(peer, nowMs);
      this.#repeatConfig(peer, nowMs);
    }
    let deadlineMs = peer.nextQualityMs;
    const bestRttMs = peer.bestRttMs();
    for (const path of peer.paths) {
      if (path === undefined) continue;
      deadlineMs = Math.min(deadlineMs, this.#tendPath(peer, path, bestRttMs, nowMs));
    }
    peer.bond.onTimer(nowMs);
    return Math.min(deadlineMs, peer.bond.nextDeadlineMs);
  }

  #tendPath(peer: Peer, path: Path, bestRttMs: number, nowMs: number): number {
    const attachMs = path.attached ? Number.POSITIVE_INFINITY : this.#tryAttach(peer, path, nowMs);
    // One that was in use before the far end started anew stays watched: its line may be dead by now.
    if (!path.attached && !path.monitor.usable) return attachMs;
    path.monitor.onTimer(nowMs, bestRttMs, peer.hasUsableBeside(path));
    const answering = path.monitor.state === "up" || path.monitor.state === "pending";
    path.mtuSearch.onTimer(nowMs, path.monitor.rtt.smoothedMs, answering);
    const probeMs = Math.min(attachMs, path.monitor.nextDeadlineMs);
    return Math.min(probeMs, answering ? path.mtuSearch.nextDeadlineMs : Number.POSITIVE_INFINITY);
  }

  #tryAttach(peer: Peer, path: Path, nowMs: number): number {
    if (path.attachJson === null || peer.sending === undefined) return Number.POSITIVE_INFINITY;
    if (nowMs >= path.nextAttachMs) {
      this.#control.attach(peer, path, path.attachJson, nowMs);
      path.nextAttachMs = nowMs + path.attachGapMs;
      path.attachGapMs = Math.min(path.attachGapMs * 1.5, ATTACH_LONGEST_GAP_MS);
    }
    return path.nextAttachMs;
  }

  #compareMembers(peer: Peer, nowMs: number): void {
    for (const path of peer.paths) {
      if (path === undefined) continue;
      peer.bond.setQuality(path.number, path.monitor.quality(nowMs));
      peer.bond.setShare(path.number, path.monitor.share);
      this.#confirmMtu(path, nowMs);
    }
    peer.sender?.setEligible(peer.bond.eligibleMask, nowMs);
    this.#announceMtu(peer, nowMs);
  }

  /**
   * While large packets flow, the size in use is confirmed now and then (RFC 8899, section 4.3). Their loss alone would
   * not do as a sign: a TCP connection that is stuck sends few of them.
   */
  #confirmMtu(path: Path, nowMs: number): void {
    if (!path.sentLarge) return;
    path.sentLarge = false;
    path.mtuSearch.suspect(nowMs);
  }

  /** Bond MTU = what fits the narrowest member that is in use. */
  #announceMtu(peer: Peer, nowMs: number): void {
    const mtu = peer.narrowestMtu();
    const changed = mtu !== peer.innerMtu;
    if (changed) {
      peer.innerMtu = mtu;
      this.#emit({ type: "bond-mtu", peerId: peer.id, mtu });
    }
    if (!changed && nowMs < peer.nextBondMtuMs) return;
    const path = peer.bestPath();
    if (path === undefined) return;
    peer.nextBondMtuMs = nowMs + BOND_MTU_INTERVAL_MS;
    this.#control.bondMtu(peer, path, mtu, nowMs);
  }

  #watchReach(peer: Peer): void {
    const path = peer.sending === undefined ? undefined : peer.bestPath();
    const reachable = path !== undefined;
    if (reachable === peer.reachable) return;
    peer.reachable = reachable;
    const rttMs = path?.monitor.rtt.smoothedMs ?? Number.NaN;
    this.#emit({ type: "peer-reachable", peerId: peer.id, reachable, rttMs: Number.isNaN(rttMs) ? null : rttMs });
  }

  #watchSilence(peer: Peer, nowMs: number): void {
    if (peer.sending === undefined || peer.bestPath() !== undefined) return;
    const silentMs = nowMs - peer.heardMs;
    if (silentMs < SILENT_AFTER_MS || nowMs < peer.nextSilenceMs) return;
    peer.nextSilenceMs = nowMs + SILENT_AFTER_MS;
    this.#emit({ type: "peer-silent", peerId: peer.id, silentMs });
  }

  #repeatConfig(peer: Peer, nowMs: number): void {
    const config = peer.pendingConfig;
    if (config === undefined || nowMs < config.nextMs) return;
    const path = peer.bestPath() ?? peer.anyPath();
    if (path === undefined) return;
    config.nextMs = nowMs + CONFIG_REPEAT_MS;
    this.#control.config(peer, path, config.messageId, config.json, nowMs);
  }
}
