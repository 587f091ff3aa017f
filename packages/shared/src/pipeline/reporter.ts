import { REPORTED_CONTROL_BYTES } from "../aggregate/index.ts";
import type { Path, Peer } from "../peer/index.ts";
import { type DatagramView, INNER_HEADER_BYTES, INNER_REPORTED } from "../wire/index.ts";
import { BatchList } from "./batch-list.ts";
import type { ControlChannel } from "./control-channel.ts";

/** Reports go on this long after the last frame that asked for them. */
const REPORT_FOR_MS = 1_000;
/** A return path that is slower than the best by more is not worth the second half of the reports. */
const SECOND_PATH_SLACK_MS = 30;
/** What does not fit one datagram goes in further ones, at once. */
const DATAGRAMS_PER_CALL = 4;
const NO_SEND_TIME = -1;

/** The receiver's side of feedback: notes what arrives from peers that want to know, and tells them. */
export class Reporter {
  readonly #datagrams: DatagramView;
  readonly #control: ControlChannel;
  /** Peers with news since the last flush. */
  readonly #touched = new BatchList<Peer>();

  constructor(datagrams: DatagramView, control: ControlChannel) {
    this.#datagrams = datagrams;
    this.#control = control;
  }

  /** @param plain inner header of a data datagram. @param bytes of the IP packet. */
  onData(
    peer: Peer,
    path: Path,
    counter: number,
    bytes: number,
    plain: number,
    plainBytes: number,
    nowMs: number,
  ): void {
    if (plainBytes < INNER_HEADER_BYTES) return;
    this.#datagrams.readInner(plain);
    if ((this.#datagrams.flags & INNER_REPORTED) !== 0) peer.reportUntilMs = nowMs + REPORT_FOR_MS;
    this.#note(peer, path, counter, bytes, this.#datagrams.sendTime, nowMs);
  }

  /** Padding that measures a line is worth a report, too. */
  onControl(peer: Peer, path: Path, counter: number, bytes: number, nowMs: number): void {
    if (bytes >= REPORTED_CONTROL_BYTES) {
      peer.reportUntilMs = nowMs + REPORT_FOR_MS;
      peer.receiver.resequencer.onPadding(path.number, nowMs);
    }
    this.#note(peer, path, counter, bytes, NO_SEND_TIME, nowMs);
  }

  /** A datagram was made out of parity: the sender need not send it again. */
  onMade(peer: Peer, path: Path, counter: number): void {
    peer.receiver.reports.onMade(path.number, counter);
  }

  /** The batch is through. */
  flush(nowMs: number): void {
    const touched = this.#touched;
    for (let i = 0; i < touched.count; i++) {
      const peer = touched.at(i);
      if (peer !== undefined) this.#send(peer, nowMs);
    }
    touched.clear();
  }

  /** @returns when it wants to be called again. */
  onTimer(peer: Peer, nowMs: number): number {
    if (nowMs >= peer.reportUntilMs) return Number.POSITIVE_INFINITY;
    this.#send(peer, nowMs);
    return peer.receiver.reports.dueMs;
  }

  #note(peer: Peer, path: Path, counter: number, bytes: number, sendTime: number, nowMs: number): void {
    if (nowMs >= peer.reportUntilMs) return;
    peer.receiver.reports.onReceived(path.number, counter, bytes, sendTime, nowMs);
    this.#touched.add(peer);
  }

  #send(peer: Peer, nowMs: number): void {
    const { reports } = peer.receiver;
    if (peer.sender !== undefined) reports.returnBytesPerMs = peer.sender.rateBytesPerMs;
    for (let i = 0; i < DATAGRAMS_PER_CALL && reports.dueMs <= nowMs; i++) {
      const path = this.#returnPath(peer);
      if (path === undefined || !this.#control.feedback(peer, path, nowMs)) return;
    }
  }

  /**
   * The two best paths in turn: when one dies, every other report still comes, and soon all: what we send there dies, too.
   * Metered ones that carry nothing are left alone; data that has to turn to them makes them fit for reports as well.
   */
  #returnPath(peer: Peer): Path | undefined {
    const suspects = peer.sender?.suspects ?? 0;
    const avoided = suspects | idleMetered(peer);
    const best = peer.bestPath(avoided) ?? peer.bestPath(suspects) ?? peer.bestPath();
    peer.reportTurn = !peer.reportTurn;
    if (best === undefined || peer.reportTurn) return best;
    const second = peer.bestPath(avoided | (1 << best.number));
    if (second === undefined) return best;
    return second.monitor.rtt.smoothedMs - best.monitor.rtt.smoothedMs <= SECOND_PATH_SLACK_MS ? second : best;
  }
}

function idleMetered(peer: Peer): number {
  let mask = 0;
  for (const path of peer.paths) if (path?.metered === true && !path.monitor.busy) mask |= 1 << path.number;
  return mask;
}
