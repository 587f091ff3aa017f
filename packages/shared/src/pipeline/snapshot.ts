import type { Path, Peer } from "../peer/index.ts";
import { formatEndpoint } from "../wire/index.ts";
import type { DropCounters } from "./drops.ts";
import type { ForwarderSnapshot, MemberSnapshot, PeerSnapshot } from "./events.ts";

/** The figures of a forwarder at this moment, for status; read seldom, so it may allocate. */
export function snapshotOf(drops: DropCounters, peers: Iterable<Peer>, nowMs: number): ForwarderSnapshot {
  return { drops: { ...drops }, peers: Array.from(peers, (peer) => peerSnapshot(peer, nowMs)) };
}

function peerSnapshot(peer: Peer, nowMs: number): PeerSnapshot {
  const { resequencer, duplicates } = peer.receiver;
  return {
    peerId: peer.id,
    sessionAgeMs: peer.sending === undefined ? null : nowMs - peer.sending.createdMs,
    heardAgoMs: nowMs - peer.heardMs,
    cipher: peer.sending?.cipher ?? null,
    rekeys: peer.rekeys,
    mtu: Math.min(peer.innerMtu, peer.farInnerMtu),
    members: peer.paths.filter((path) => path !== undefined).map((path) => memberSnapshot(peer, path, nowMs)),
    resequencer: {
      held: resequencer.heldFrames,
      late: resequencer.counters.late,
      lost: resequencer.skipped.lost + resequencer.skipped.overdue,
      duplicates: duplicates.duplicates,
      made: peer.paths.reduce((sum, path) => sum + (path?.parityStore?.counters.solved ?? 0), 0),
    },
    aggregate: peer.sender?.totals() ?? null,
  };
}

function memberSnapshot(peer: Peer, path: Path, nowMs: number): MemberSnapshot {
  const { monitor } = path;
  const quality = monitor.quality(nowMs);
  return {
    name: path.name,
    pathNumber: path.number,
    remote: formatEndpoint(path.endpoint),
    state: monitor.state === "up" && !peer.bond.isCarrying(path.number) ? "standby" : monitor.state,
    reason: monitor.state === "up" ? null : path.stateReason,
    rttMs: known(quality.rttMs),
    rttMinMs: known(quality.rttMinMs),
    pdvMs: known(quality.pdvMs),
    plrRatio: known(quality.plrRatio),
    perRatio: known(quality.perRatio),
    txKbps: quality.txKbps,
    rxKbps: quality.rxKbps,
    txBytes: quality.txBytes,
    rxBytes: quality.rxBytes,
    shareRatio: known(peer.bond.shareRatio(path.number)),
    mtu: path.mtuBytes,
    stateSinceMs: nowMs - monitor.stateSinceMs,
    aggregate: peer.sender?.figures(path.number, nowMs) ?? null,
  };
}

function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
