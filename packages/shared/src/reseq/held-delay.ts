/** A delay that frames are made to have, and the paths whose frames come in time for it. */
export class HeldDelay {
  /** One way, in units of the send time with the offset of the clocks; NaN: any. */
  target = Number.NaN;
  /** Mask. */
  paths = 0;
  /** By how much a frame on one of these may be later than one on another. */
  spanMs = 0;
  /** No frame waits longer, and no path counts that is further behind the soonest one. */
  readonly mostMs: number;
  /** How much later a path may be that carries everything; one that carries a part, so much less. */
  readonly worthMs: number;
  /** Standard deviations of a path's delay beyond its mean. */
  readonly sigmas: number;

  constructor({ mostMs, worthMs, sigmas }: { mostMs: number; worthMs: number; sigmas: number }) {
    this.mostMs = mostMs;
    this.worthMs = worthMs;
    this.sigmas = sigmas;
  }

  clear(): void {
    this.target = Number.NaN;
    this.paths = 0;
    this.spanMs = 0;
  }
}
