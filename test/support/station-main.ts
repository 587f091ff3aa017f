/**
 * The process of station.ts: opens the TAP that the argument names, says "ready", then prints every frame that comes out of
 * it as a line of hexadecimal digits and puts every such line of its standard input, with which it ends, into it.
 */
import { createInterface } from "node:readline";
import { NativePorts, native } from "@wanbond/shared/io";
import { DESCRIPTOR_WORDS, LENGTH, OFFSET, SLOT_BYTES, SLOT_HEADROOM } from "@wanbond/shared/pipeline";

const READ_BATCH = 64;
const POLL_MS = 2;
/** The slot behind those of a batch is for what is sent. */
const SEND_OFFSET = READ_BATCH * SLOT_BYTES + SLOT_HEADROOM;

const ports = new NativePorts((READ_BATCH + 1) * SLOT_BYTES);
const tap = native().tapOpen(process.argv[2] ?? "", { vnet: false }).fd;
const batch = new Int32Array(READ_BATCH * DESCRIPTOR_WORDS);
const single = new Int32Array(DESCRIPTOR_WORDS);
const first = new Int32Array(1);

function read(): void {
  for (let i = 0; i < READ_BATCH; i++) batch[i * DESCRIPTOR_WORDS + OFFSET] = i * SLOT_BYTES + SLOT_HEADROOM;
  const count = ports.tapRead(tap, batch, READ_BATCH);
  for (let i = 0; i < count; i++) {
    const offset = batch[i * DESCRIPTOR_WORDS + OFFSET] as number;
    const bytes = ports.pool.subarray(offset, offset + (batch[i * DESCRIPTOR_WORDS + LENGTH] as number));
    process.stdout.write(`${Buffer.from(bytes).toString("hex")}\n`);
  }
  if (count === READ_BATCH) read();
}

function send(frame: Buffer): void {
  ports.pool.set(frame, SEND_OFFSET);
  single[OFFSET] = SEND_OFFSET;
  single[LENGTH] = frame.length;
  ports.tapWrite(tap, single, first, 1);
}

setInterval(read, POLL_MS);
process.stdin.on("end", () => process.exit(0));
createInterface(process.stdin).on("line", (line) => send(Buffer.from(line, "hex")));
process.stdout.write("ready\n");
