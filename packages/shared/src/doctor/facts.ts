import type { LineMeasurement } from "../control/index.ts";
import type { TapOffloads } from "../io/index.ts";
import type { LinkFact, LiveInstance, RouteFact, RuleFact } from "../system/index.ts";
import type { Finding } from "./finding.ts";

/** A file that belongs to wanbond, as the file system has it. */
export interface FileFact {
  readonly file: string;
  readonly mode: number;
  readonly changedMs: number;
}

export interface NetworkFact {
  readonly device: string;
  readonly address: string;
  /** With prefix length. */
  readonly network: string;
}

/** The machine as it is; what could not be asked is null. */
export interface HostFacts {
  readonly tun: boolean;
  readonly mayChangeNetwork: boolean;
  /** Of a TAP that was made and removed again; null: the kernel made none. */
  readonly tapOffloads: TapOffloads | null;
  readonly udp: { readonly gso: boolean; readonly gro: boolean } | null;
  readonly aes: boolean;
  /** Output of `nft -j list ruleset`; null: nft is missing or refuses. */
  readonly ruleset: unknown;
  readonly links: readonly LinkFact[];
  readonly networks: readonly NetworkFact[];
  readonly ipForward: { readonly ipv4: boolean | null; readonly ipv6: boolean | null };
  /** By device; "all" counts for every device, the larger of the two is in force. */
  readonly rpFilter: Readonly<Record<string, number>>;
  readonly conntrack: { readonly count: number; readonly max: number } | null;
  readonly wallMs: number;
  readonly files: readonly FileFact[];
  /** What bears our mark in the kernel. */
  readonly ownRules: readonly RuleFact[];
  readonly ownRoutes: readonly RouteFact[];
  readonly ownTables: readonly string[];
  /** Records of changes that a program has made and not taken back. */
  readonly journals: readonly string[];
  readonly liveInstances: readonly LiveInstance[];
  /** Ports on which somebody listens by UDP. */
  readonly udpPorts: readonly number[];
}

/** What the configuration wants of this machine. */
export interface Plan {
  readonly role: "client" | "concentrator";
  readonly tap: string;
  readonly routed: boolean;
  /** Packets of others are to pass through this host. */
  readonly forwards: boolean;
  readonly forwards6: boolean;
  /** Networks that must not overlap: of the LAN, of the bond, by what they are. */
  readonly networks: readonly { readonly what: string; readonly kind: "lan" | "bond"; readonly network: string }[];
  readonly uplinks: readonly {
    readonly name: string;
    readonly device: string;
    readonly mtu: number | "auto";
    /** What the operator says that it takes from here; null: nothing. */
    readonly speedKbps: number | null;
  }[];
  /** UDP ports: of the concentrator for a client, its own for a concentrator. */
  readonly ports: readonly number[];
  readonly tapMtu: number | "auto";
  /** Files whose permissions and dates matter. */
  readonly files: readonly string[];
  /** Folders with locks and journals. */
  readonly stateDirectories: readonly string[];
}

/** The program itself, if it runs. */
export interface ProgramFacts {
  readonly pid: number;
  readonly uptimeMs: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly bonds: readonly { readonly peer: string; readonly state: string }[];
}

/** Everything that is judged. */
export interface DoctorFacts {
  readonly plan: Plan;
  readonly host: HostFacts;
  /** null: it does not run. */
  readonly program: ProgramFacts | null;
  /** null: nothing was measured. */
  readonly lines: readonly LineMeasurement[] | null;
  /** Why nothing was measured, where that is so. */
  readonly unmeasured: string | null;
  readonly session: boolean;
  readonly ownVersion: string;
}

/** Judges, and does nothing else. */
export type Check = (facts: DoctorFacts) => readonly Finding[];
