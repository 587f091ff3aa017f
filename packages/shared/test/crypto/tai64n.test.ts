import fc from "fast-check";
import { expect, it } from "vitest";
import { isLater, tai64n } from "../../src/crypto/index.ts";

it("writes the labels of TAI64N", () => {
  expect(Buffer.from(tai64n(0)).toString("hex")).toBe("400000000000000a00000000");
  expect(Buffer.from(tai64n(1_700_000_000_250)).toString("hex")).toBe("400000006553f10a0ee6b280");
});

it("orders labels as times, to the millisecond", () => {
  const times = fc.integer({ min: 0, max: 4e12 });
  fc.assert(
    fc.property(times, times, (a, b) => {
      expect(isLater(tai64n(a), tai64n(b))).toBe(a > b);
      expect(isLater(tai64n(a + 1), tai64n(a))).toBe(true);
    }),
  );
});
