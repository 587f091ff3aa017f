import { describe, expect, it } from "vitest";
import { renderUnit, requireVisible } from "../../src/system/service-unit.ts";

const TEMPLATE =
  "[Service]\nExecStart=/usr/bin/wanbond client run --config /etc/wanbond/client.toml\nRestart=on-failure\n";

function commandOf(node: string, script: string): string | undefined {
  return /^ExecStart=(.*)$/m.exec(renderUnit(TEMPLATE, { node, script }))?.[1];
}

describe("a unit of our own", () => {
  it("runs the program from where it lies and bears a mark in its first line", () => {
    const unit = renderUnit(TEMPLATE, { node: "/opt/wanbond/lib/node", script: "/opt/wanbond/lib/wanbond.js" });
    expect(unit.split("\n")).toEqual([
      "# Made by `wanbond service install`, removed by `wanbond service remove`.",
      "[Service]",
      "ExecStart=/opt/wanbond/lib/node /opt/wanbond/lib/wanbond.js client run --config /etc/wanbond/client.toml",
      "Restart=on-failure",
      "",
    ]);
  });

  it("quotes what systemd would take apart or replace", () => {
    const command = commandOf("/opt/a b/node", '/opt/100%/$x/"w".js');
    expect(command).toBe('"/opt/a b/node" "/opt/100%%/$$x/\\"w\\".js" client run --config /etc/wanbond/client.toml');
  });
});

describe("the place of the program", () => {
  it.each(["/root/wanbond/packages/shared/bin/wanbond.js", "/home/me/wanbond.js", "/tmp/w/wanbond.js"])(
    "%s is refused: a service could not see it",
    (script) => {
      expect(() => requireVisible({ node: "/usr/bin/node", script })).toThrow(/deploy\/install\.sh/);
    },
  );

  it("below /opt or /usr is well", () => {
    expect(() => requireVisible({ node: "/usr/bin/node", script: "/opt/wanbond/lib/wanbond.js" })).not.toThrow();
  });
});
