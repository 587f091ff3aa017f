import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeInvite, encodeInvite, type Invite, keysOfInvite, parseEndpoint } from "../../src/config/index.ts";
import { WanbondError } from "../../src/errors.ts";

const endpoint = (text: string) => {
  const parsed = parseEndpoint(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};

const invite: Invite = {
  name: "home1",
  secret: Uint8Array.from({ length: 16 }, (_, index) => index),
  concentratorKey: new Uint8Array(32).fill(7),
  endpoints: ["203.0.113.10:51900", "[2001:db8::10]:51900", "vpn.example.net:443"].map(endpoint),
  expiresS: 1_800_000_000,
};
const line = encodeInvite(invite);

function codeOf(text: string): string {
  try {
    decodeInvite(text);
    return "none";
  } catch (error) {
    if (!(error instanceof WanbondError)) throw error;
    expect(error.message).toMatch(/[.)]$|NAME$/);
    return error.code;
  }
}

describe("an invite", () => {
  it("is one line that says everything, and fits a small QR code", () => {
    expect(line).toMatch(/^wb1:[A-Za-z0-9_-]+$/);
    const read = decodeInvite(line);
    expect({ ...read, secret: [...read.secret], concentratorKey: [...read.concentratorKey] }).toEqual({
      ...invite,
      secret: [...invite.secret],
      concentratorKey: [...invite.concentratorKey],
    });
    expect(encodeInvite({ ...invite, endpoints: invite.endpoints.slice(0, 1) }).length).toBeLessThan(120);
  });

  it("keeps the layout of version 1", () => {
    const bytes = Buffer.from(
      encodeInvite({ ...invite, endpoints: invite.endpoints.slice(0, 1) }).slice(4),
      "base64url",
    );
    expect(bytes.toString("hex")).toBe(
      `004d006b49d200${Buffer.from(invite.secret).toString("hex")}${"07".repeat(32)}05686f6d6531` +
        "0104cb00710acabc" +
        bytes.subarray(-8).toString("hex"),
    );
    const { privateKey, presharedKey } = keysOfInvite(invite);
    expect(Buffer.from(privateKey).toString("hex")).toMatchInlineSnapshot(
      `"7877e80f663ae90f49f10836f5c138cdc07885917216aadb4c6755109c388b68"`,
    );
    expect(Buffer.from(presharedKey).toString("hex")).toMatchInlineSnapshot(
      `"f864e3aa4e699197da2a4cfd1a520781258d68aed12d8bdfd10005fa1fa8815c"`,
    );
    expect(bytes.subarray(-8).toString("hex")).toMatchInlineSnapshot(`"24eba93f510889c0"`);
  });

  it("survives line breaks, spaces and quotes of a copy", () => {
    expect(decodeInvite(`'${line.slice(0, 30)}\n  ${line.slice(30)}' `).name).toBe("home1");
  });

  it.each([
    ["nothing", "", "WB_INVITE_FOREIGN"],
    ["another program's link", "https://example.net/join?x=1", "WB_INVITE_FOREIGN"],
    ["a later version", `wb2:${line.slice(4)}`, "WB_INVITE_VERSION"],
    ["its mark alone", "wb1:", "WB_INVITE_TRUNCATED"],
    ["half of it", line.slice(0, line.length / 2), "WB_INVITE_TRUNCATED"],
    ["without its last character", line.slice(0, -1), "WB_INVITE_TRUNCATED"],
    ["with a word behind it", `${line}AAAA`, "WB_INVITE_ALTERED"],
    ["with a character of no invite", `${line.slice(0, 40)}!${line.slice(41)}`, "WB_INVITE_ALTERED"],
    [
      "with a character changed",
      `${line.slice(0, 40)}${line[40] === "A" ? "B" : "A"}${line.slice(41)}`,
      "WB_INVITE_ALTERED",
    ],
  ])("is refused in words of its own: %s", (_what, text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it("is refused without a fault of ours, whatever was pasted", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `wb1:${text}`),
        ),
        (text) => {
          expect(codeOf(text)).toMatch(/^WB_INVITE_/);
        },
      ),
    );
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.constantFrom(..."ABCxyz019-_"), (at, character) => {
        const changed = line.slice(0, at) + character + line.slice(at + 1);
        const same =
          changed === line ||
          Buffer.from(changed.slice(4), "base64url").equals(Buffer.from(line.slice(4), "base64url"));
        if (!same) expect(codeOf(changed)).toMatch(/^WB_INVITE_/);
      }),
    );
  });
});
