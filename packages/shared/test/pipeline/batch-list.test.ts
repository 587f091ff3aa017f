import { expect, it } from "vitest";
import { BatchList } from "../../src/pipeline/batch-list.ts";

function itemsOf<T>(list: BatchList<T>): (T | undefined)[] {
  return Array.from({ length: list.count }, (_, index) => list.at(index));
}

it("holds each that was added once, in order, until it is cleared", () => {
  const list = new BatchList<string>();
  for (const item of ["a", "a", "b", "a", "c", "b", "c"]) list.add(item);
  expect(itemsOf(list)).toEqual(["a", "b", "c"]);
  list.clear();
  expect(itemsOf(list)).toEqual([]);
  list.add("b");
  expect(itemsOf(list)).toEqual(["b"]);
});

it("keeps nobody who is gone alive", () => {
  const list = new BatchList<string>();
  list.add("a");
  list.clear();
  expect(list.at(0)).toBeUndefined();
});
