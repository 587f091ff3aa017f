import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config/index.ts";
import { concludeDoctor, configFindings, type Finding } from "../../src/doctor/index.ts";

const finding = (change: Partial<Finding>): Finding => ({
  check: "reach",
  uplink: null,
  severity: "ok",
  found: "all is well",
  mend: null,
  ...change,
});

function conclude(findings: readonly Finding[], json = false): { text: string; error: unknown } {
  let text = "";
  try {
    concludeDoctor(
      { out: (part) => (text += part), progress: () => {} },
      { role: "client", findings, lines: null },
      json,
    );
    return { text, error: null };
  } catch (error) {
    return { text, error };
  }
}

describe("a report", () => {
  const findings = [
    finding({}),
    finding({ check: "nat", uplink: "isp1", severity: "note", found: "translated", mend: "Nothing to do." }),
    finding({ check: "reach", uplink: "isp2", severity: "fault", found: "down\u001b[31m", mend: "Plug it in." }),
  ];

  it("is a table for people: this machine first, then each uplink, with what mends it", () => {
    expect(conclude(findings).text).toMatchInlineSnapshot(`
      "this machine (client)
        ok       reach  all is well

      uplink isp1
        note     nat  translated
                      -> Nothing to do.

      uplink isp2
        FAULT    reach  down?[31m
                        -> Plug it in.

      1 fault, 0 warnings, 1 note, 1 ok
      "
    `);
  });

  it("is one JSON object for scripts", () => {
    const { text } = conclude(findings, true);
    expect(text.endsWith("\n")).toBe(true);
    expect(JSON.parse(text)).toMatchObject({
      version: 1,
      role: "client",
      counts: { ok: 1, note: 1, warning: 0, fault: 1 },
      findings,
      uplinks: null,
    });
  });

  it("ends with status 1 and names the faults, and with none when there is none", () => {
    expect(conclude(findings).error).toMatchObject({
      code: "WB_FAULTS_FOUND",
      exitCode: 1,
      message: "Faults were found: reach of isp2.",
    });
    expect(conclude([finding({ severity: "warning" })]).error).toBeNull();
  });

  it("of a configuration with faults is these", () => {
    const fault = {
      key: "client.privateKeyFile",
      place: "2:1",
      problem: "names k, which others may read",
      remedy: "Run: chmod 600 k",
    };
    expect(configFindings(new ConfigError("client.toml", [fault]))).toEqual([
      {
        check: "configuration",
        uplink: null,
        severity: "fault",
        found: "client.toml:2:1: client.privateKeyFile names k, which others may read",
        mend: "Run: chmod 600 k",
      },
    ]);
  });
});
