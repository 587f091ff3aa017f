import type { LabResult } from "../lab/result.ts";
import type { PingStatistics } from "../support/traffic.ts";

/** What lines by the kernel's netem turned out to be like. Line 1: 8/2 Mbit/s, 25 ms; line 2: 4/1 Mbit/s, 40 ± 8 ms, 2 % loss. */
export interface LineFacts {
  readonly kind: "netem" | "emulator";
  readonly first: PingStatistics;
  readonly first6: PingStatistics;
  readonly second: PingStatistics;
  /** Of line 1: at first, and when its rate has been halved. */
  readonly goodputKbps: number;
  readonly halvedKbps: number;
  /** Line 1 with 100 ms more each way. */
  readonly spike: PingStatistics;
  readonly cut: PingStatistics;
  readonly restored: PingStatistics;
  /** Whether IP packets of so many bytes came over line 1 while its MTU was 1400, and afterwards. */
  readonly mtu: { readonly bytes1400: boolean; readonly bytes1401: boolean; readonly afterwards: boolean };
}

/** The line of the lab in containers (2/1 Mbit/s, 20 ms), as its ISP runs it. */
export interface ContainerLine {
  /** What it says of itself at the start. */
  readonly said: string;
  readonly living: PingStatistics;
  readonly cut: PingStatistics;
}

/** What netem-main.ts prints as JSON. */
export interface NetemReport {
  readonly kernel: string;
  readonly lines: LineFacts;
  readonly container: ContainerLine;
  /** The lab's scenario slow3 under the policy aggregate. */
  readonly lab: LabResult;
}
