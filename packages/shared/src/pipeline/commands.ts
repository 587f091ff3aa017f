import type { BondSettings, LinkSettings } from "../bond/index.ts";
import type { PeerMode } from "../peer/index.ts";
import type { SessionEpoch } from "../session/index.ts";
import type { MeasureQuestion } from "./measure-question.ts";

/** What the owner of a path knows of it beforehand. */
export interface PathOptions {
  readonly peerId: number;
  readonly pathNumber: number;
  readonly socket: number;
  /** Endpoint record as in ports.ts. */
  readonly endpoint: Int32Array;
  readonly name: string;
  readonly metered: boolean;
  /** What the far end says of its link: it counts where our own settings say nothing of it. */
  readonly told: Partial<LinkSettings>;
  /** MTU of the device, or what the operator says; the search goes no higher. In bytes of an IP packet. */
  readonly deviceMtu: number;
  /** What the far end is told when this end attaches the path; null when the far end attached it. */
  readonly attachJson: string | null;
  /** The far end's ATTACH that this answers; 0 when there is none. */
  readonly attachMessageId: number;
}

export interface PeerOptions {
  readonly peerId: number;
  readonly name: string;
  readonly mode: PeerMode;
  readonly bond: BondSettings;
  /** A path's address follows the newest authentic datagram: at the concentrator. */
  readonly roams: boolean;
  /** Addresses and routes of the peer; used by a routed concentrator only. */
  readonly prefixes: readonly string[];
  /** It holds an invite, and is no client yet: control messages alone pass, in either direction. */
  readonly enrolling?: boolean;
}

/** What the main thread tells the packet loop. */
export type ForwarderCommand =
  | { readonly type: "add-socket"; readonly socket: number }
  /** Answered by the event socket-released, after which the descriptor may be closed. */
  | { readonly type: "remove-socket"; readonly socket: number }
  | { readonly type: "add-peer"; readonly options: PeerOptions }
  /** Frames from the TAP go to this peer from now on: at a client that has several. */
  | { readonly type: "use-peer"; readonly peerId: number }
  /** Whether this idle peer is there matters for the next seconds: it is probed as if it carried traffic. */
  | { readonly type: "attend-peer"; readonly peerId: number }
  | { readonly type: "remove-peer"; readonly peerId: number; readonly closeReason: number | null }
  /** fresh: the far end has started anew, so its paths, order and numbering begin again. */
  | { readonly type: "install-epoch"; readonly peerId: number; readonly epoch: SessionEpoch; readonly fresh: boolean }
  | { readonly type: "add-path"; readonly options: PathOptions }
  /** The uplink has another address, device or socket; the path, its numbering and its measurements go on. */
  | {
      readonly type: "move-path";
      readonly peerId: number;
      readonly pathNumber: number;
      readonly socket: number;
      readonly endpoint: Int32Array;
      readonly deviceMtu: number;
    }
  | { readonly type: "remove-path"; readonly peerId: number; readonly pathNumber: number }
  | { readonly type: "path-interface"; readonly peerId: number; readonly pathNumber: number; readonly up: boolean }
  | { readonly type: "send-raw"; readonly socket: number; readonly endpoint: Int32Array; readonly bytes: Uint8Array }
  | { readonly type: "send-config"; readonly peerId: number; readonly json: string }
  /** Goes back by the path that the request came on. */
  | {
      readonly type: "send-enrol-reply";
      readonly peerId: number;
      readonly pathNumber: number;
      readonly messageId: number;
      readonly json: string;
    }
  | { readonly type: "set-bond"; readonly peerId: number; readonly bond: BondSettings }
  | { readonly type: "set-prefixes"; readonly peerId: number; readonly prefixes: readonly string[] }
  /** sidePath: FIRST_SIDE_PATH and up, the asker's number of the line that is measured. */
  | {
      readonly type: "measure";
      readonly peerId: number;
      readonly socket: number;
      readonly endpoint: Int32Array;
      readonly sidePath: number;
      readonly question: MeasureQuestion;
    }
  /** Of this end, told to whoever measures; 0: there is none any more. */
  | { readonly type: "second-port"; readonly port: number }
  | { readonly type: "handshakes-taken"; readonly count: number }
  | { readonly type: "snapshot"; readonly id: number }
  | { readonly type: "history"; readonly id: number; readonly peerId: number; readonly pathNumber: number }
  | { readonly type: "stop" };
