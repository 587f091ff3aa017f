import type { AggregateEvent, MemberFigures } from "../aggregate/index.ts";
import type { BondEvent } from "../bond/index.ts";
import type { LinkNumbers } from "../link/index.ts";
import type { SenderHistory, SenderTotals } from "../peer/index.ts";
import type { Observed } from "../wire/index.ts";
import type { HandshakeDatagram } from "./handshake-queue.ts";

/** What the packet loop tells the main thread. Every decision is an event with the numbers that led to it. */
export type ForwarderEvent =
  | /** waiting: how many the main thread has before it, these included. */
  { readonly type: "handshakes"; readonly items: readonly HandshakeDatagram[]; readonly waiting: number }
  /** An authenticated peer asks for a path that is not known here yet; answered with the command add-path. */
  | {
      readonly type: "attach-requested";
      readonly peerId: number;
      readonly pathNumber: number;
      readonly socket: number;
      readonly endpoint: Int32Array;
      readonly messageId: number;
      readonly json: string;
    }
  | { readonly type: "attached"; readonly peerId: number; readonly pathNumber: number; readonly name: string }
  | { readonly type: "detached"; readonly peerId: number; readonly pathNumber: number; readonly name: string }
  | { readonly type: "config-received"; readonly peerId: number; readonly json: string }
  /** Answered with the command send-enrol-reply. */
  | {
      readonly type: "enrol-requested";
      readonly peerId: number;
      readonly pathNumber: number;
      readonly messageId: number;
      readonly json: string;
    }
  | { readonly type: "closed"; readonly peerId: number; readonly reason: number }
  | {
      readonly type: "roamed";
      readonly peerId: number;
      readonly member: string;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly type: "member-state";
      readonly peerId: number;
      readonly member: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      readonly numbers: LinkNumbers;
    }
  | { readonly type: "bond-decision"; readonly peerId: number; readonly decision: BondEvent }
  /** member: the one the decision is about; null when it is about all. */
  | {
      readonly type: "aggregate";
      readonly peerId: number;
      readonly member: string | null;
      readonly decision: AggregateEvent;
    }
  | {
      readonly type: "path-mtu";
      readonly peerId: number;
      readonly member: string;
      readonly mtu: number;
      readonly reason: string;
    }
  | { readonly type: "bond-mtu"; readonly peerId: number; readonly mtu: number }
  /** There are keys and a usable path, or no longer. rttMs: of the best path; null when unknown. */
  | {
      readonly type: "peer-reachable";
      readonly peerId: number;
      readonly reachable: boolean;
      readonly rttMs: number | null;
    }
  /** No path of this peer has been heard for a while though it was probed: perhaps it has lost its keys. */
  | { readonly type: "peer-silent"; readonly peerId: number; readonly silentMs: number }
  /** Both ends hold the keys: frames can flow. */
  | { readonly type: "rekeyed"; readonly peerId: number; readonly rekeys: number }
  | { readonly type: "session-confirmed"; readonly peerId: number }
  /** An answer to a question of ours that measures a line, with what arrived here of the train in question. */
  | {
      readonly type: "observed";
      readonly peerId: number;
      readonly socket: number;
      readonly answer: Observed;
      readonly sinceAskedMs: number;
      /** Milliseconds since 1970, when it came. */
      readonly wallMs: number;
      readonly here: { readonly received: number; readonly bytes: number; readonly spanMs: number };
    }
  /** The far end would like to see its addresses from another port of ours; answered with the command second-port. */
  | { readonly type: "second-port-wanted"; readonly peerId: number; readonly socket: number }
  | {
      readonly type: "load-answered";
      readonly peerId: number;
      readonly to: string;
      readonly rateKbps: number;
      readonly bytes: number;
    }
  /** The index is free for another handshake. */
  | { readonly type: "epoch-forgotten"; readonly localIndex: number }
  | { readonly type: "socket-released"; readonly socket: number }
  /** A device refused a batch of datagrams; they are sent one by one from now on. */
  | { readonly type: "no-udp-gso" }
  | { readonly type: "network-changed" }
  /** Somebody has removed the TAP: the loop has ended. */
  | { readonly type: "tap-gone" }
  | { readonly type: "snapshot"; readonly id: number; readonly snapshot: ForwarderSnapshot }
  /** Empty for a peer whose policy remembers nothing. */
  | { readonly type: "history"; readonly id: number; readonly history: SenderHistory };

export type EmitEvent = (event: ForwarderEvent) => void;

/** Figures of one member at one moment; unknown ones are null, as they go to JSON. */
export interface MemberSnapshot {
  readonly name: string;
  readonly pathNumber: number;
  readonly remote: string;
  readonly state: string;
  readonly reason: string | null;
  readonly rttMs: number | null;
  readonly rttMinMs: number | null;
  readonly pdvMs: number | null;
  readonly plrRatio: number | null;
  readonly perRatio: number | null;
  readonly txKbps: number;
  readonly rxKbps: number;
  readonly txBytes: number;
  readonly rxBytes: number;
  readonly shareRatio: number | null;
  readonly mtu: number | null;
  readonly stateSinceMs: number;
  /** How the sender of a policy that has one uses it. */
  readonly aggregate: MemberFigures | null;
}

export interface PeerSnapshot {
  readonly peerId: number;
  readonly sessionAgeMs: number | null;
  /** Since its last authentic datagram, or since it was added. */
  readonly heardAgoMs: number;
  readonly cipher: number | null;
  readonly rekeys: number;
  readonly mtu: number;
  readonly members: readonly MemberSnapshot[];
  readonly resequencer: { held: number; late: number; lost: number; duplicates: number; made: number };
  readonly aggregate: SenderTotals | null;
}

export interface ForwarderSnapshot {
  readonly drops: Readonly<Record<string, number>>;
  readonly peers: readonly PeerSnapshot[];
}
