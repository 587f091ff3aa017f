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

/** @returns CoDel's target for paths of this kind. */
function targetMs(paths: readonly Losses[]): number {
  const members = paths.map((losses, number) => {
    const member = new Member(number, false, null, new VirtualQueueController());
    Object.assign(member.losses, losses);
    return member;
  });
  const queue = new FqCodel(new FrameTable(4), new DroppedSlots(4), { markCe: () => false });
  const setTarget = vi.spyOn(queue, "setTarget");
  adaptToPaths(members, queue, new RedundancyBudget(), 0);
  return setTarget.mock.calls[0]?.[0] ?? Number.NaN;
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
