import {
  ControlReader,
  type ControlSink,
  ControlWriter,
  FeedbackBlock,
  type FeedbackReader,
} from "../../src/wire/index.ts";

/** A block as a test writes and reads it. */
export interface Block {
  path: number;
  highestCounter: number;
  heldUnits: number;
  receivedBytes: number;
  lastHeldUnits: number;
  fastestBack: number;
  fastestHeldUnits: number;
  runs: number[];
}

/** Calls back with the reader of each FEEDBACK message among these bytes. */
export function readFeedback(bytes: Uint8Array, onFeedback: (feedback: FeedbackReader) => void): void {
  new ControlReader(bytes).read(0, bytes.length, { onFeedback } as ControlSink);
}

/** @returns the blocks of a message, and its time. */
export function blocksOf(bytes: Uint8Array): { timeUnits: number; blocks: Block[] } {
  const result = { timeUnits: -1, blocks: [] as Block[] };
  readFeedback(bytes, (feedback) => {
    result.timeUnits = feedback.timeUnits;
    while (feedback.next()) {
      const { runs, runCount, ...rest } = feedback.block;
      result.blocks.push({ ...rest, runs: [...runs.subarray(0, runCount)] });
    }
  });
  return result;
}

/** @returns the bytes of a message; numbers are cut to the sizes they have on the wire. */
export function messageOf(timeUnits: number, blocks: readonly Partial<Block>[]): Uint8Array {
  const pool = new Uint8Array(1_400);
  const writer = new ControlWriter(pool);
  writer.begin(0, pool.length);
  writer.feedback(timeUnits % 2 ** 32);
  for (const { runs = [1], ...rest } of blocks) {
    const block = Object.assign(new FeedbackBlock(), rest, { runCount: runs.length });
    block.runs.set(runs);
    writer.feedbackBlock(block);
  }
  return pool.slice(0, writer.lengthBytes);
}

/** @returns the counters that a block says arrived. */
export function arrivedIn({ highestCounter, runs }: Block): number[] {
  const counters: number[] = [];
  let top = highestCounter;
  runs.forEach((run, i) => {
    if (i % 2 === 0) for (let counter = top; counter > top - run; counter--) counters.push(counter);
    top -= run;
  });
  return counters;
}
