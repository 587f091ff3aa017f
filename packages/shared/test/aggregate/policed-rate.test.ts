import { expect, it } from "vitest";
import { DeliverySeries } from "../../src/aggregate/delivery-series.ts";
import { PolicedRate } from "../../src/aggregate/policed-rate.ts";

const REPORT_MS = 10;
const REPORT_BYTES = 15_000;

/** A line that drops a fifth of all that is sent. */
function reports(
  policed: PolicedRate,
  { count, delivery }: { count: number; delivery: (nowMs: number) => number },
): void {
  const series = new DeliverySeries();
  for (let i = 1; i <= count; i++) {
    const nowMs = 1_000 + i * REPORT_MS;
    const sentBytes = i * REPORT_BYTES;
    series.add(nowMs, nowMs, 0.8 * sentBytes, nowMs, sentBytes, 0.2 * sentBytes, 20, 20);
    policed.onReport(series, delivery(nowMs), 0, 40, false, nowMs);
  }
}

it("takes loss above the usual for a limit to be tested, at the rate that arrived", () => {
  const policed = new PolicedRate();
  reports(policed, { count: 20, delivery: () => 1_200 });
  expect(policed.state).toBe("testing");
  expect(policed.bytesPerMs).toBe(1_200);
});

it("has a rate at every report, though nothing is known of what arrived when a verdict is due", () => {
  const policed = new PolicedRate();
  const rates = new Set<number>();
  reports(policed, {
    count: 500,
    delivery: () => {
      if (policed.isOn) rates.add(policed.bytesPerMs);
      return policed.isOn ? Number.NaN : 1_200;
    },
  });
  expect([...rates]).toEqual([1_200]);
});
