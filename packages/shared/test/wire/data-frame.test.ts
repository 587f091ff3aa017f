import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DatagramView,
  MAX_PATHS,
  OUTER_BAD_COUNTER,
  OUTER_BAD_FLAGS,
  OUTER_BAD_PATH,
  OUTER_BAD_TYPE,
  OUTER_HANDSHAKE,
  OUTER_OK,
  OUTER_TOO_SHORT,
  TYPE_CONTROL,
  TYPE_DATA,
  TYPE_PARITY,
} from "../../src/wire/index.ts";

const u24 = fc.nat(0xffffff);
const offsets = fc.integer({ min: 0, max: 70 });

describe("outer header", () => {
  it("comes back as it was written, at any alignment", () => {
    const counters = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const types = fc.constantFrom(TYPE_DATA, TYPE_CONTROL);
    fc.assert(
      fc.property(
        offsets,
        types,
        fc.nat(MAX_PATHS - 1),
        fc.nat(0xffffffff),
        counters,
        (at, type, path, session, counter) => {
          const view = new DatagramView(new Uint8Array(128));
          view.writeOuter(at, type, path, session, counter);
          expect(view.check(at, 40)).toBe(OUTER_OK);
          expect([view.type(at), view.path(at), view.session(at), view.counter(at)]).toEqual([
            type,
            path,
            session,
            counter,
          ]);
        },
      ),
    );
  });

  it("is little-endian, byte by byte", () => {
    const pool = new Uint8Array(16);
    new DatagramView(pool).writeOuter(0, TYPE_DATA, 3, 0x11223344, 0x1a_bbcc_ddee_ff01);
    expect(Buffer.from(pool).toString("hex")).toBe("04030000" + "44332211" + "01ffeeddccbb1a00");
  });

  it.each([
    ["nothing", [], OUTER_TOO_SHORT],
    ["control without a tag", [TYPE_CONTROL, ...Array(30).fill(0)], OUTER_TOO_SHORT],
    ["control with no messages", [TYPE_CONTROL, ...Array(31).fill(0)], OUTER_OK],
    ["data without an inner header", [TYPE_DATA, ...Array(38).fill(0)], OUTER_TOO_SHORT],
    ["data with no payload", [TYPE_DATA, ...Array(39).fill(0)], OUTER_OK],
    ["a handshake", [3], OUTER_HANDSHAKE],
    ["type 0", [0, ...Array(39).fill(0)], OUTER_BAD_TYPE],
    ["parity, with its flags", [TYPE_PARITY, 0, 0xff, 0xff, ...Array(36).fill(0)], OUTER_OK],
    ["parity without an inner header", [TYPE_PARITY, ...Array(38).fill(0)], OUTER_TOO_SHORT],
    ["type 7", [7, ...Array(39).fill(0)], OUTER_BAD_TYPE],
    ["a path too many", [TYPE_DATA, MAX_PATHS, ...Array(38).fill(0)], OUTER_BAD_PATH],
    ["a flag", [TYPE_DATA, 0, 0, 1, ...Array(36).fill(0)], OUTER_BAD_FLAGS],
    ["a counter of 2^53", [TYPE_DATA, ...Array(13).fill(0), 0x20, 0, ...Array(24).fill(0)], OUTER_BAD_COUNTER],
  ])("knows %s", (_what, bytes, verdict) => {
    expect(new DatagramView(Uint8Array.from(bytes)).check(0, bytes.length)).toBe(verdict);
  });

  it("looks at any bytes without a throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const view = new DatagramView(bytes);
        if (view.check(0, bytes.length) === OUTER_OK) view.readInner(16);
      }),
    );
  });
});

describe("inner header", () => {
  it("comes back as it was written, at any alignment", () => {
    fc.assert(
      fc.property(offsets, fc.nat(255), u24, fc.nat(255), u24, (at, flags, sendTime, flowSlot, sequence) => {
        const view = new DatagramView(new Uint8Array(128));
        view.writeInner(at, flags, sendTime, flowSlot, sequence);
        view.readInner(at);
        expect(view).toMatchObject({ flags, sendTime, flowSlot, sequence });
      }),
    );
  });

  it("wraps times and sequences at 2^24", () => {
    const view = new DatagramView(new Uint8Array(8));
    view.writeInner(0, 0x21, 0x1000005, 0xff, 0xfffffff);
    view.readInner(0);
    expect(view).toMatchObject({ flags: 0x21, sendTime: 5, flowSlot: 0xff, sequence: 0xffffff });
  });

  it("reads fragments as written", () => {
    const view = new DatagramView(new Uint8Array(16));
    view.writeFragment(6, 1200, 1522);
    view.readFragment(6);
    expect(view).toMatchObject({ fragmentOffset: 1200, fragmentTotal: 1522 });
  });
});
