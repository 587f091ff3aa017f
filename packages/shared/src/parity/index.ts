export { LossWatch } from "./loss-watch.ts";
export { MOST_PLAIN_BYTES, MOST_SPAN } from "./parity-figures.ts";
export { ParityMaker } from "./parity-maker.ts";
export { ParityStore } from "./parity-store.ts";
