import { expect, it } from "vitest";
import { SourceLimiter } from "../../src/session/source-limiter.ts";

it("remembers a bounded number of sources, and those with tokens missing only", () => {
  const limiter = new SourceLimiter();
  for (let source = 0; source < 5000; source++) expect(limiter.take(`${source}`, 0)).toBe(true);
  expect(limiter.size).toBe(1024);
  limiter.take("another", 250);
  expect(limiter.size).toBe(1);
});

it("does not let one source take another's tokens", () => {
  const limiter = new SourceLimiter();
  for (let i = 0; i < 9; i++) expect(limiter.take("a", 0)).toBe(i < 5);
  expect(limiter.take("b", 0)).toBe(true);
  expect([limiter.take("a", 49), limiter.take("a", 51)]).toEqual([false, true]);
});
