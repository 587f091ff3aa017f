import { describe, expect, it, vi } from "vitest";
import { DroppedSlots, FqCodel } from "../../src/aggregate/fq-codel.ts";
import { FrameTable } from "../../src/aggregate/frame-table.ts";
import { Member } from "../../src/aggregate/member.ts";
import { adaptToPaths } from "../../src/aggregate/path-care.ts";
import { RedundancyBudget } from "../../src/aggregate/redundancy-budget.ts";
import { VirtualQueueController } from "../../src/aggregate/virtual-queue-controller.ts";

interface Losses {
  readonly srttMs: number;
  readonly reorderMs?: number;
  readonly lossRatio?: number;
}

/** @returns what a queue is told for paths of this kind, each of this rate. */
function adapted(paths: readonly Losses[], bytesPerMs = 1_000): { targetMs: number; byteLimit: number } {
  const members = paths.map((losses, number) => {
    const controller = new VirtualQueueController();
    controller.rateBytesPerMs = bytesPerMs;
    const member = new Member(number, false, null, controller);
    Object.assign(member.losses, losses);
    return member;
  });
  const queue = new FqCodel(new FrameTable(4), new DroppedSlots(4), { markCe: () => false });
  const setTarget = vi.spyOn(queue, "setTarget");
  adaptToPaths(members, queue, new RedundancyBudget(), 0);
  return { targetMs: setTarget.mock.calls[0]?.[0] ?? Number.NaN, byteLimit: queue.byteLimit };
}

function targetMs(paths: readonly Losses[]): number {
  return adapted(paths).targetMs;
}

describe("the target of the bond's queue", () => {
  it("follows the longest round trip of paths that are steady", () => {
    expect(targetMs([{ srttMs: 40 }, { srttMs: 80 }])).toBe(60);
    expect(targetMs([{ srttMs: 10 }])).toBe(20);
  });

  it("is longer where frames are lost or come late: a TCP waits for them, and has to have more under way", () => {
    expect(targetMs([{ srttMs: 80, lossRatio: 0.02 }])).toBeGreaterThan(110);
    expect(targetMs([{ srttMs: 40, reorderMs: 60 }])).toBeGreaterThan(140);
  });

  it("has a bound, and leaves out a path that is ill or not known yet", () => {
    expect(targetMs([{ srttMs: 700, lossRatio: 0.1 }])).toBe(250);
    expect(targetMs([{ srttMs: 40 }, { srttMs: 2_000 }, { srttMs: Number.NaN }])).toBe(30);
  });
});

describe("the limit of the bond's queue", () => {
  it("is what the paths carry in a second, or in six round trips of the longest: most of the bond may have died", () => {
    expect(adapted([{ srttMs: 40 }, { srttMs: 80 }]).byteLimit).toBe(2_000_000);
    expect(adapted([{ srttMs: 40 }, { srttMs: 400 }]).byteLimit).toBe(4_800_000);
    expect(adapted([{ srttMs: 40 }, { srttMs: 2_000 }]).byteLimit).toBe(2_000_000);
  });

  it("leaves room for connections that begin on slow lines, has a bound, and stays as it was without a path", () => {
    expect(adapted([{ srttMs: 40 }], 10).byteLimit).toBe(300_000);
    expect(adapted([{ srttMs: 40 }], 100_000).byteLimit).toBe(12_000_000);
    const { byteLimit } = new FqCodel(new FrameTable(4), new DroppedSlots(4), { markCe: () => false });
    expect(adapted([]).byteLimit).toBe(byteLimit);
  });
});
