import type { DoctorOptions, DoctorOutput } from "../doctor/index.ts";

/** What both programs take; packages/client and packages/concentrator implement it. Resolves after a clean stop. */
type RunProgram = (options: { readonly configPath: string; readonly pretty: boolean }) => Promise<void>;

/** What `wanbond concentrator init` is told. */
export interface InitRequest {
  readonly configPath: string;
  readonly listen: readonly string[];
  readonly endpoints: readonly string[];
  readonly address: readonly string[];
  readonly tap: string;
  readonly force: boolean;
}

/** What `wanbond client join` is told. @see packages/client/src/join */
export interface JoinRequest {
  readonly invite: string;
  readonly configPath: string;
  /** null: those that are found. */
  readonly lan: readonly string[] | null;
  readonly tap: string;
  readonly force: boolean;
}

/** Looks and reports. @throws WanbondError when it found a fault. */
type RunDoctor = (options: DoctorOptions, output: DoctorOutput) => Promise<void>;

/** What the command line touches of the process it runs in, so that tests can stand in for it. */
export interface Shell {
  out(text: string): void;
  error(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Standard output is a terminal whose screen may be redrawn. */
  readonly isTerminal: boolean;
  /** Ends what would run for ever (`status --watch`). */
  readonly signal: AbortSignal;
  /** Folder of the control sockets of this network namespace. */
  stateDirectory(): string;
  runClient: RunProgram;
  runConcentrator: RunProgram;
  initConcentrator(request: InitRequest): Promise<{
    readonly configPath: string;
    readonly publicKey: string;
    readonly listen: readonly string[];
    readonly endpoints: readonly string[];
    readonly address: readonly string[];
    readonly hints: readonly string[];
  }>;
  joinClient(request: JoinRequest): Promise<{
    readonly name: string;
    readonly addresses: readonly string[];
    readonly lan: readonly string[];
    readonly uplinks: readonly string[];
    readonly warnings: readonly string[];
  }>;
  doctorClient: RunDoctor;
  doctorConcentrator: RunDoctor;
}
