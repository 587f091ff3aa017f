import type { DoctorOptions, DoctorOutput } from "../doctor/index.ts";
import type { InitReport, InitRequest, JoinReport, JoinRequest } from "../runtime/index.ts";

/** What both programs take; packages/client and packages/concentrator implement it. Resolves after a clean stop. */
type RunProgram = (options: { readonly configPath: string; readonly pretty: boolean }) => Promise<void>;

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
  initConcentrator(request: InitRequest): Promise<InitReport>;
  joinClient(request: JoinRequest): Promise<JoinReport>;
  doctorClient: RunDoctor;
  doctorConcentrator: RunDoctor;
}
