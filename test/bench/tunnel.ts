import type { Stage } from "./stage.ts";

/** A way from near to far that is measured. */
export interface Tunnel {
  readonly name: string;
  readonly description: string;
  /** Programs it needs beyond those of this project. Without one of them it is left out. */
  readonly programs: readonly string[];
  /** Which of them says with --version what is measured. */
  readonly versionOf?: string;
  start(stage: Stage): Promise<RunningTunnel>;
}

export interface RunningTunnel {
  /** The far end, as near reaches it through the tunnel. */
  readonly address: string;
  /** Its processes by what they are; their processor time counts. */
  readonly processes: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}
