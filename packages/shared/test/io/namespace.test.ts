import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNamespaces, execute, isRoot, type Namespace } from "../../../../test/support/netns.ts";

interface Report {
  readonly offloads: { readonly vnet: boolean; readonly tso: boolean; readonly uso: boolean };
  readonly vector: number[];
  readonly sent: { readonly four: number; readonly six: number };
  readonly framesFour: { readonly sizes: number[]; readonly right: boolean };
  readonly framesSix: { readonly sizes: number[]; readonly right: boolean };
  readonly afterVectors: Record<string, number>;
  readonly refused: Record<string, number | number[]>;
  readonly overfilled: { readonly full: boolean; readonly allCameOut: boolean };
  readonly narrowed: number[];
  readonly down: number;
  readonly netlink: { readonly quiet: number; readonly changes: number };
}

const EMSGSIZE = 90;
const ENETUNREACH = 101;
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const skipped = isRoot() ? "" : " (skipped: needs root)";

/** The same with the kernel's offloads, and with a library preloaded that refuses them all. */
describe.skipIf(!isRoot()).each(["with", "without"])(
  `a UDP socket bound to a TAP, %s offloads${skipped}`,
  (offloads) => {
    const folder = mkdtempSync(join(tmpdir(), "wanbond-io-"));
    let namespace: Namespace;
    let report: Report;
    beforeAll(async () => {
      const library = join(folder, "refuse-offloads.so");
      if (offloads === "without") await execute(["gcc", "-shared", "-fPIC", "-o", library, here("refuse-offloads.c")]);
      [namespace] = (await createNamespaces(["udp"])) as [Namespace];
      const preload = offloads === "without" ? [`LD_PRELOAD=${library}`] : [];
      const output = await namespace.exec(["env", ...preload, "node", "--import", "tsx", here("namespace-main.ts")]);
      report = JSON.parse(output);
    }, 60_000);
    afterAll(() => {
      namespace?.remove();
      rmSync(folder, { recursive: true });
    });

    it("sends every datagram of a vector as a right frame, in order", () => {
      const { vector } = report;
      expect(report.sent).toEqual({ four: vector.length, six: vector.length });
      expect(report.framesFour).toEqual({ sizes: vector, right: true });
      expect(report.framesSix).toEqual({ sizes: vector, right: true });
    });

    it("uses the offloads that there are, and finds out about a missing one once per socket", () => {
      const { offloads: found, afterVectors: counters } = report;
      if (offloads === "without") {
        expect(found).toEqual({ vnet: false, tso: false, uso: false });
        expect(counters["udpGsoRefused"]).toBe(2);
        expect(counters["udpWriteMessages"]).toBe(2 * report.vector.length);
        return;
      }
      expect(found).toMatchObject({ vnet: true, tso: true });
      expect(counters["udpGsoRefused"]).toBe(0);
      // 50 + 50, then 700 ends a run, 900 + 900.
      expect(counters["udpWriteMessages"]).toBe(2 * 4);
      if (found.uso) expect(counters["tapReads"]).toBeLessThan(report.vector.length);
    });

    it("never fragments: what is longer than the device's MTU is EMSGSIZE when nothing went before it", () => {
      expect(report.refused).toEqual({
        fits: [1, 1],
        tooLong: [-EMSGSIZE, -EMSGSIZE],
        allTooLong: [-EMSGSIZE, -EMSGSIZE],
        lastTooLong: 2,
        firstTooLong: -EMSGSIZE,
      });
      expect(report.narrowed).toEqual([1, -EMSGSIZE]);
    });

    it("takes what fits its buffer and loses nothing of it", () => {
      expect(report.overfilled).toEqual({ full: true, allCameOut: true });
    });

    it("answers with an errno when the device is down", () => {
      expect(report.down).toBe(-ENETUNREACH);
    });

    it("hears of changed links and rules", () => {
      expect(report.netlink.quiet).toBe(0);
      expect(report.netlink.changes).toBeGreaterThanOrEqual(3);
    });
  },
);
