import { describe, expect, it } from "vitest";
import { createEventLog, EventRing, prettyEvent } from "../../src/control/index.ts";

function logged(level: "debug" | "info" | "warn" | "error", pretty = false) {
  const lines: string[] = [];
  const ring = new EventRing();
  const log = createEventLog({ role: "client", level, pretty, write: (line) => lines.push(line), ring });
  return { log, lines, ring };
}

describe("the event log", () => {
  it("writes one JSON object per event and keeps it for the control socket", () => {
    const { log, lines, ring } = logged("info");
    log.info({ event: "member-evicted", member: "isp1", rttMs: 2140 }, "its RTT is above evictRttMs");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      role: "client",
      event: "member-evicted",
      member: "isp1",
      rttMs: 2140,
      message: "its RTT is above evictRttMs",
    });
    expect(`${ring.last()[0]}\n`).toBe(lines[0]);
  });

  it("leaves out what is below its level", () => {
    const { log, lines } = logged("warn");
    log.info({ event: "rekey" }, "new keys");
    log.warn({ event: "member-down" }, "silent");
    expect(lines).toHaveLength(1);
  });

  it("never shows keys or other bytes, whatever they are called and however deep they lie", () => {
    const { log, lines } = logged("debug");
    const secret = Uint8Array.from({ length: 32 }, (_, index) => index + 1);
    const text = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=";
    log.info(
      {
        keys: { privateKey: text, presharedKey: text, deep: [{ psk: text, own: secret }] },
        sendingKey: text,
        x: secret,
      },
      "m",
    );
    expect(lines.join("")).not.toContain(text);
    expect(lines.join("")).not.toMatch(/1,2,3|"0":1/);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ sendingKey: "[hidden]", x: "[32 bytes]" });
  });

  it("keeps the stack of an error", () => {
    const { log, lines } = logged("info");
    log.error({ err: new Error("boom") }, "a fault");
    expect(lines[0]).toContain("boom");
    expect(lines[0]).toContain("event-log.test.ts");
  });

  it("writes for people when it is asked to, and still keeps JSON", () => {
    const { log, lines, ring } = logged("info", true);
    log.info({ event: "member-up", member: "isp1", reason: "answered again", rttMs: 25 }, "back in the bond");
    expect(lines[0]).toMatch(
      /^[\d:.]{12} INFO {2}member-up: back in the bond member=isp1 reason="answered again" rttMs=25\n$/,
    );
    expect(JSON.parse(ring.last()[0] ?? "")).toMatchObject({ event: "member-up" });
  });

  it("shows a line that is no event as it is", () => {
    expect(prettyEvent("Warning: something\n")).toBe("Warning: something\n");
  });
});

describe("the event ring", () => {
  it("keeps the newest lines in order", () => {
    const ring = new EventRing(3);
    for (const line of ["1\n", "2\n"]) ring.push(line);
    expect(ring.last()).toEqual(["1", "2"]);
    for (const line of ["3\n", "4\n"]) ring.push(line);
    expect(ring.last()).toEqual(["2", "3", "4"]);
    expect(ring.last(2)).toEqual(["3", "4"]);
  });

  it("never keeps more than 1000", () => {
    const ring = new EventRing(5000);
    for (let line = 0; line < 1500; line++) ring.push(String(line));
    expect(ring.last()).toHaveLength(1000);
    expect(ring.last().at(-1)).toBe("1499");
  });
});
