import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkConfigText } from "@wanbond/shared/config";
import { describe, expect, it } from "vitest";
import { CLIENT_RULES } from "../../packages/shared/src/config/client-config.ts";
import { CONCENTRATOR_RULES } from "../../packages/shared/src/config/concentrator-config.ts";
import { createDropCounters } from "../../packages/shared/src/pipeline/drops.ts";
import { filesBelow, textOf } from "./project-files.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("docs/troubleshooting.md", () => {
  const text = textOf("docs/troubleshooting.md");

  it("says what to do about every error code", () => {
    const codes = filesBelow("packages", [".ts", ".cc"])
      .filter(({ path }) => path.includes("/src/") || path.includes("/native/"))
      .flatMap((file) => [...file.text.matchAll(/"(WB_[A-Z_]+)"/g)].map((match) => match[1] ?? ""));
    expect(codes.length).toBeGreaterThan(5);
    expect([...new Set(codes)].filter((code) => !text.includes(`\`${code}\``)).sort()).toEqual([]);
  });

  it("explains every drop counter", () => {
    const source = textOf("packages/shared/src/session/handshake-responder.ts");
    const union = /export type ResponderDrop =([^;]*);/.exec(source)?.[1] ?? "";
    const handshakeDrops = [...union.matchAll(/"([a-z0-9-]+)"/g)].map((match) => `handshake-${match[1]}`);
    expect(handshakeDrops.length).toBeGreaterThan(3);
    const reasons = [...Object.keys(createDropCounters()), ...handshakeDrops];
    expect(reasons.filter((reason) => !text.includes(`\`${reason}\``))).toEqual([]);
  });

  it("explains every decision of the policy aggregate, and why has a sentence for it", () => {
    const source = textOf("packages/shared/src/aggregate/aggregate-sink.ts");
    const events = [...source.matchAll(/readonly type: "([a-z-]+)"/g)].map((match) => match[1] ?? "");
    expect(events.length).toBeGreaterThan(3);
    const sentences = textOf("packages/shared/src/control/event-sentence.ts");
    expect(events.filter((event) => !text.includes(`\`${event}\``))).toEqual([]);
    expect(events.filter((event) => !sentences.includes(`"${event}"`))).toEqual([]);
  });
});

describe("docs/configuration.md", () => {
  const text = textOf("docs/configuration.md");

  it.each([
    ["client", CLIENT_RULES.keys],
    ["concentrator", CONCENTRATOR_RULES.keys],
  ])("explains every key of a %s's file", (_role, keys) => {
    const missing = [...keys.values()]
      .flat()
      .filter((key) => !text.includes(`\`${key}\``) && !text.includes(`[${key}]`));
    expect(missing).toEqual([]);
  });
});

describe("examples", () => {
  const examples = filesBelow("deploy/examples", [".toml", ".json"]);

  it.each(examples.map((example) => [example.path, example.text]))("%s is a good configuration", (path, text) => {
    expect(() => checkConfigText(text, path)).not.toThrow();
  });

  it("show both ends, routed and bridged", () => {
    const kinds = examples.map(({ path, text }) => {
      const checked = checkConfigText(text, path);
      return `${checked.role} ${checked.role === "client" ? checked.config.client.mode : checked.config.concentrator.mode}`;
    });
    expect([...new Set(kinds)].sort()).toEqual([
      "client bridged",
      "client routed",
      "concentrator bridged",
      "concentrator routed",
    ]);
  });
});

describe("links between documents", () => {
  it("lead to files that exist", () => {
    const documents = [
      ...filesBelow("docs", [".md"]),
      ...filesBelow("packages", [".md"]),
      { path: "README.md", text: textOf("README.md") },
    ];
    const broken = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => match[1] ?? "")
        .filter((target) => !existsSync(join(root, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
