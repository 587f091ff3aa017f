/** Said again so often, since a notice may be lost. */
const AGAIN_MS = 500;

/** When the far end is to be told of the paths whose delay frames are made to have. */
export class HeldNotice {
  readonly #paths: { readonly steadyPaths: number; readonly evenPaths: number };
  #saidSteady = 0;
  #saidEven = 0;
  #againMs = Number.NEGATIVE_INFINITY;

  constructor(paths: { readonly steadyPaths: number; readonly evenPaths: number }) {
    this.#paths = paths;
  }

  /** @returns whether to tell now; who is answered so tells. */
  isDue(nowMs: number): boolean {
    const { steadyPaths, evenPaths } = this.#paths;
    if (steadyPaths === this.#saidSteady && evenPaths === this.#saidEven && nowMs < this.#againMs) return false;
    this.#saidSteady = steadyPaths;
    this.#saidEven = evenPaths;
    this.#againMs = nowMs + AGAIN_MS;
    return true;
  }
}
