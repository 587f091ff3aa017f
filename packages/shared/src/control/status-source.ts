import type { MeasureAnswer, MeasureOptions } from "./measure-answer.ts";
import type { PairingControl } from "./pairing-control.ts";
import type { StatusSnapshot } from "./status.ts";
import type { WhyEvent, WhySecond } from "./why-answer.ts";

/** What a program remembers of how it used a member: seconds with traffic, and decisions of the bond's sender. */
export interface MemberHistory {
  readonly seconds: readonly WhySecond[];
  readonly events: readonly WhyEvent[];
}

/** Who knows the state of the program: the main thread of client or concentrator. */
export interface StatusSource {
  read(): Promise<StatusSnapshot> | StatusSnapshot;
  /** What it remembers of a member; empty where the policy keeps no record. @param path its number. */
  history(peer: string, path: number): Promise<MemberHistory>;
  /** Measures the uplinks of a client, for about a minute; a concentrator has none. */
  measure?(options: MeasureOptions): Promise<MeasureAnswer>;
  /** Of a concentrator: what it does about its clients when asked to. */
  readonly pairing?: PairingControl;
}
