import { expect, it } from "vitest";
import { HeldNotice } from "../../src/reseq/held-notice.ts";

it("is due when the paths change, and twice a second, since a notice may be lost", () => {
  const paths = { steadyPaths: 0, evenPaths: 0 };
  const notice = new HeldNotice(paths);
  const due = [0, 10, 499, 500, 510].filter((nowMs) => notice.isDue(nowMs));
  expect(due).toEqual([0, 500]);
  paths.evenPaths = 0b11;
  expect([520, 530].filter((nowMs) => notice.isDue(nowMs))).toEqual([520]);
  paths.steadyPaths = 0b01;
  expect([540, 550].filter((nowMs) => notice.isDue(nowMs))).toEqual([540]);
});
