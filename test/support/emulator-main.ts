/**
 * The process of emulator-tap.ts. Argument: the LineSettings of all lines as JSON. Opens two TAPs per line, says "ready",
 * then carries frames from one to the other, and ends with its standard input.
 *
 * One loop, no event loop: ppoll with microseconds, because a timer of node would be a millisecond late. Control comes
 * as lines of JSON on standard input, { line, state: LineState }, each answered by a line "done".
 */
import { readSync, writeSync } from "node:fs";
import { NativePorts, native, POLLERR, POLLIN } from "@wanbond/shared/io";
import { DESCRIPTOR_WORDS, LENGTH, OFFSET, SLOT_BYTES, SLOT_HEADROOM } from "@wanbond/shared/pipeline";
import { type DirectionSettings, initialState, type LineSettings, type LineState } from "./emulator-settings.ts";
import { seededRandom } from "./random.ts";
import { VirtualLine, type LineSettings as VirtualSettings } from "./virtual-line.ts";

/** Frames that can be under way on all lines together; further ones wait in the TAPs, where the kernel drops them. */
const SLOTS = 65_536;
const READ_BATCH = 64;
const ETHERNET_HEADER_BYTES = 14;

const ports = new NativePorts(SLOTS * SLOT_BYTES);
/** A frame is its slot number; its descriptor stands at that place. */
const frames = new Int32Array(SLOTS * DESCRIPTOR_WORDS);
const freeSlots = new Int32Array(SLOTS);
let freeCount = SLOTS;
for (let slot = 0; slot < SLOTS; slot++) {
  frames[slot * DESCRIPTOR_WORDS + OFFSET] = slot * SLOT_BYTES + SLOT_HEADROOM;
  freeSlots[slot] = slot;
}
const readBatch = new Int32Array(READ_BATCH * DESCRIPTOR_WORDS);

/** One direction of a line: what comes out of one TAP goes into another, later. */
class Direction {
  readonly fromTap: number;
  readonly line: VirtualLine<number>;
  mtuBytes = 1500;
  readonly #toTap: number;
  readonly #arrived = new Int32Array(SLOTS);
  #arrivedCount = 0;

  constructor(fromTap: number, toTap: number, seed: number) {
    this.fromTap = fromTap;
    this.#toTap = toTap;
    this.line = new VirtualLine({}, seededRandom(seed), (slot) => {
      this.#arrived[this.#arrivedCount++] = slot;
    });
  }

  configure(settings: DirectionSettings, state: LineState): void {
    const { rateKbps, queueBytes, delayMs, pdvMs, lossRatio, reorders } = settings;
    const changes: Partial<VirtualSettings> = {
      rateKbps,
      queueBytes,
      delayMs: delayMs + state.extraDelayMs,
      pdvMs,
      reorders,
      lossRatio,
      blackholed: state.cut,
    };
    Object.assign(this.line.settings, changes);
    this.mtuBytes = state.mtuBytes;
  }

  /** Takes what waits in the TAP onto the line. @returns false when the TAP is gone. */
  read(): boolean {
    while (freeCount >= READ_BATCH) {
      for (let i = 0; i < READ_BATCH; i++) {
        const slot = freeSlots[freeCount - 1 - i] as number;
        readBatch[i * DESCRIPTOR_WORDS + OFFSET] = frames[slot * DESCRIPTOR_WORDS + OFFSET] as number;
      }
      const count = ports.tapRead(this.fromTap, readBatch, READ_BATCH);
      if (count < 0) return false;
      this.#send(count);
      if (count < READ_BATCH) return true;
    }
    return true;
  }

  #send(count: number): void {
    const nowMs = ports.nowMs();
    const firstFree = freeCount - 1;
    freeCount -= count;
    for (let i = 0; i < count; i++) {
      const slot = freeSlots[firstFree - i] as number;
      const frameBytes = readBatch[i * DESCRIPTOR_WORDS + LENGTH] as number;
      const packetBytes = frameBytes - ETHERNET_HEADER_BYTES;
      frames[slot * DESCRIPTOR_WORDS + LENGTH] = frameBytes;
      const isOnLine = packetBytes <= this.mtuBytes && this.line.send(slot, packetBytes, nowMs);
      if (!isOnLine) dropped[droppedCount++] = slot;
    }
    while (droppedCount > 0) freeSlots[freeCount++] = dropped[--droppedCount] as number;
  }

  write(nowMs: number): void {
    this.line.advance(nowMs);
    if (this.#arrivedCount === 0) return;
    ports.tapWrite(this.#toTap, frames, this.#arrived, this.#arrivedCount);
    for (let i = 0; i < this.#arrivedCount; i++) freeSlots[freeCount++] = this.#arrived[i] as number;
    this.#arrivedCount = 0;
  }
}

/** Slots of frames that the line refused, until the batch they came with has been looked through. */
const dropped = new Int32Array(READ_BATCH);
let droppedCount = 0;

interface Line {
  readonly up: Direction;
  readonly down: Direction;
}

function openLine(index: number): Line {
  const isp = native().tapOpen(`l${index}isp`, { vnet: false }).fd;
  const core = native().tapOpen(`l${index}core`, { vnet: false }).fd;
  return { up: new Direction(isp, core, 2 * index + 1), down: new Direction(core, isp, 2 * index + 2) };
}

function configureLine(line: Line | undefined, state: LineState): void {
  line?.up.configure(state.up, state);
  line?.down.configure(state.down, state);
}

const controlBuffer = Buffer.alloc(65_536);
let controlText = "";

/** @returns false at the end of the input. */
function readControl(lines: readonly Line[]): boolean {
  const count = readSync(0, controlBuffer);
  if (count === 0) return false;
  const texts = (controlText + controlBuffer.toString("utf8", 0, count)).split("\n");
  controlText = texts.pop() ?? "";
  for (const text of texts) {
    const { line, state }: { line: number; state: LineState } = JSON.parse(text);
    configureLine(lines[line], state);
    writeSync(1, "done\n");
  }
  return true;
}

function run(lines: readonly Line[]): void {
  const directions = lines.flatMap(({ up, down }) => [up, down]);
  const fds = new Int32Array(2 * (directions.length + 1));
  for (;;) {
    // Slot 0 is standard input.
    fds[1] = POLLIN;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [index, direction] of directions.entries()) {
      fds[2 * index + 2] = direction.fromTap;
      fds[2 * index + 3] = POLLIN;
      nextMs = Math.min(nextMs, direction.line.nextDeadlineMs);
    }
    const waitMs = nextMs === Number.POSITIVE_INFINITY ? -1 : Math.max(0, nextMs - ports.nowMs());
    native().poll(fds, directions.length + 1, waitMs);
    if ((fds[1] as number) >> 16 !== 0 && !readControl(lines)) return;
    for (const [index, direction] of directions.entries()) {
      const happened = (fds[2 * index + 3] as number) >> 16;
      if ((happened & POLLERR) !== 0) return; // Its namespace has been removed.
      if ((happened & POLLIN) !== 0 && !direction.read()) return;
    }
    const nowMs = ports.nowMs();
    for (const direction of directions) direction.write(nowMs);
  }
}

const settings: readonly LineSettings[] = JSON.parse(process.argv[2] ?? "[]");
const lines = settings.map((_, index) => openLine(index));
for (const [index, each] of settings.entries()) configureLine(lines[index], initialState(each));
writeSync(1, "ready\n");
run(lines);
