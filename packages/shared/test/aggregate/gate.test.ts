import { describe, expect, it } from "vitest";
import { Gate } from "../../src/aggregate/gate.ts";

const BYTES = 1500;
const PACE = 1500; // One packet per ms.

function gate(): Gate {
  const line = new Gate();
  line.windowBytes = 100 * BYTES;
  line.targetMs = 3;
  return line;
}

/** @returns how many datagrams go before it shuts. */
function fill(line: Gate, nowMs: number): number {
  let count = 0;
  for (; line.isOpen(nowMs); count++) line.add(BYTES, PACE, nowMs);
  return count;
}

describe("the gate of a line", () => {
  it("is open while the queue is shorter than the target, and opens again as the line works on it", () => {
    const line = gate();
    expect(fill(line, 0)).toBe(3);
    expect(line.nextOpenMs(0)).toBeCloseTo(0.001, 3);
    expect(line.isOpen(0.01)).toBe(true);
    line.add(BYTES, PACE, 0.01);
    expect(line.nextOpenMs(0.01)).toBeCloseTo(1, 3);
  });

  it("lets what must not wait make the queue twice as long", () => {
    const line = gate();
    fill(line, 0);
    for (let count = 3; count < 6; count++) {
      expect(line.isOpenForUrgent(0)).toBe(true);
      line.add(BYTES, PACE, 0);
    }
    expect(line.isOpenForUrgent(0)).toBe(false);
  });

  it("holds the window whatever the queue says, until something has left the line", () => {
    const line = gate();
    line.windowBytes = 2 * BYTES;
    expect(fill(line, 0)).toBe(2);
    expect(line.isOpenForUrgent(50)).toBe(false);
    expect(line.nextOpenMs(50)).toBe(Number.POSITIVE_INFINITY);
    line.inflightBytes -= BYTES;
    expect(line.nextOpenMs(50)).toBe(50);
  });

  it("is shut for a pause", () => {
    const line = gate();
    line.shutUntilMs = 40;
    expect(line.isOpen(39)).toBe(false);
    expect(line.isOpenForUrgent(39)).toBe(false);
    expect(line.nextOpenMs(10)).toBe(40);
    expect(line.isOpen(40)).toBe(true);
  });

  it("lets no more pass than was typed, whatever the line is thought to take", () => {
    const line = gate();
    line.setTypedLimit(PACE / 10, 12);
    expect(fill(line, 0)).toBe(2); // Two packets in a row, though one takes 10 ms.
    expect(line.nextOpenMs(0)).toBeCloseTo(7.5, 3);
    line.setTypedLimit(Number.POSITIVE_INFINITY, 12);
    expect(fill(line, 0)).toBeGreaterThan(0);
  });

  it("knows the largest datagram of late, through a pause too", () => {
    const line = gate();
    line.turn(0);
    for (let nowMs = 0; nowMs <= 2_000; nowMs += 10) {
      line.add(120, PACE, nowMs);
      line.turn(nowMs);
    }
    expect(line.largestBytes).toBe(120);
    for (let nowMs = 2_010; nowMs <= 9_000; nowMs += 10) line.turn(nowMs);
    expect(line.largestBytes).toBe(120);
    line.add(BYTES, PACE, 9_000);
    expect(line.largestBytes).toBe(BYTES);
  });
});
