import type { Scoreboard } from "./tcp-scoreboard.ts";
import type { AckSample, CongestionControl, TcpAck, TcpState } from "./tcp-types.ts";

/**
 * What the sender does about losses: when a recovery begins and ends, how fast its window falls (proportional rate reduction,
 * RFC 6937), and when it turns out that nothing was lost: undo by DSACK and by time stamps (Eifel, RFC 3522).
 *
 * Source: tcp_fastretrans_alert and its helpers in net/ipv4/tcp_input.c of Linux 6.
 */
export class TcpRecovery {
  recoveries = 0;
  undone = 0;
  readonly #state: TcpState;
  readonly #board: Scoreboard;
  readonly #control: CongestionControl;
  /** Where the recovery ends, and the windows it began with. */
  #end = 0;
  #priorCwnd = 0;
  #priorSsthresh = 0;
  /** May the event be undone? Copies of it that may have been in vain, and when the first was sent. */
  #isUndoable = false;
  #start = 0;
  #copies = 0;
  #firstCopyMs = Number.NaN;
  #delivered = 0;
  #sent = 0;

  constructor(state: TcpState, board: Scoreboard, control: CongestionControl) {
    this.#state = state;
    this.#board = board;
    this.#control = control;
  }

  /** Recovery or Loss. */
  get isActive(): boolean {
    return this.#state.phase === "recovery" || this.#state.phase === "loss";
  }

  onSegmentSent(isCopy: boolean, nowMs: number): void {
    this.#sent++;
    if (!isCopy) return;
    this.#copies++;
    if (Number.isNaN(this.#firstCopyMs)) this.#firstCopyMs = nowMs;
  }

  /** A segment came twice. */
  onDuplicate(sequence: number): void {
    if (this.#isUndoable && sequence >= this.#start) this.#copies--;
  }

  /** After the segments were taken, before lost ones are looked for. */
  onAck(ack: TcpAck, hasAdvanced: boolean): void {
    const isOver = this.isActive && this.#board.una >= this.#end;
    if (this.#isUndoable && this.#wasInVain(ack, hasAdvanced)) this.#undo();
    else if (isOver) this.#finish();
  }

  /** After lost ones were looked for. */
  enterIfLost(): void {
    if (this.isActive) return;
    if (this.#board.lostOut > 0) this.#enterRecovery();
    else this.#state.phase = this.#board.sackedOut > 0 ? "disorder" : "open";
  }

  onTimeout(nowMs: number): void {
    if (this.#state.phase !== "loss") this.#begin();
    this.#end = this.#board.nxt;
    this.#state.phase = "loss";
    this.#board.onTimeout(nowMs);
    this.#state.inflight = this.#board.inflight;
    this.#control.onTimeout(this.#state);
    this.#state.cwnd = this.#board.inflight + 1;
  }

  /** A tail loss probe repaired a loss: as a recovery that is over at once. */
  onProbeRepaired(): void {
    if (this.isActive || this.#control.ownsWindow) return;
    this.#state.ssthresh = this.#control.onLoss(this.#state);
    this.#state.cwnd = this.#state.ssthresh;
  }

  /** Proportional rate reduction: sets the window after each acknowledgement of a recovery. */
  reduceWindow(sample: AckSample): void {
    if (sample.delivered === 0 && sample.lost === 0) return;
    const { ssthresh } = this.#state;
    const { inflight } = this.#board;
    this.#delivered += sample.delivered;
    const room = ssthresh - inflight;
    let count = Math.ceil((ssthresh * this.#delivered) / Math.max(1, this.#priorCwnd)) - this.#sent;
    if (room >= 0) {
      const isSafe = sample.cumulative > 0 && sample.lost === 0;
      count = Math.min(room, Math.max(this.#delivered - this.#sent, sample.delivered) + (isSafe ? 1 : 0));
    }
    this.#state.cwnd = inflight + Math.max(count, this.#sent > 0 ? 0 : 1);
  }

  #enterRecovery(): void {
    this.recoveries++;
    this.#begin();
    this.#end = this.#board.nxt;
    this.#delivered = 0;
    this.#sent = 0;
    this.#state.phase = "recovery";
  }

  #begin(): void {
    this.#priorCwnd = this.#state.cwnd;
    this.#priorSsthresh = this.#state.ssthresh;
    this.#isUndoable = true;
    this.#start = this.#board.una;
    this.#copies = 0;
    this.#firstCopyMs = Number.NaN;
    this.#state.ssthresh = this.#control.onLoss(this.#state);
  }

  /** Every copy came twice, or what has come now was sent before the first copy was. */
  #wasInVain(ack: TcpAck, hasAdvanced: boolean): boolean {
    const isEarlier = hasAdvanced && ack.echoMs < this.#firstCopyMs;
    if (isEarlier) this.#board.reorderingSeen = true;
    return (this.#firstCopyMs >= 0 && this.#copies <= 0) || (isEarlier && this.#board.resentOut === 0);
  }

  #undo(): void {
    const state = this.#state;
    state.cwnd = Math.max(state.cwnd, this.#priorCwnd);
    state.ssthresh = Math.max(state.ssthresh, this.#priorSsthresh);
    state.phase = "open";
    this.#isUndoable = false;
    this.undone++;
    this.#board.unmarkLost();
    this.#control.onUndo(state);
  }

  #finish(): void {
    const state = this.#state;
    if (!this.#control.ownsWindow && state.phase === "recovery") state.cwnd = state.ssthresh;
    state.phase = "open";
    this.#board.onRecoveryEnd();
  }
}
