import type { LineMeasurement } from "../../control/index.ts";
import type { Check } from "../facts.ts";
import { about, type Finding } from "../finding.ts";

const LOSS = { note: 0.005, warning: 0.02 } as const;
const SLOW_MS = 600;
/** Above that a call over this line alone stutters. */
const UNSTEADY_MS = 60;

/** Round-trip time, its variation and loss of each quiet uplink. */
export const checkQuality: Check = ({ lines }) =>
  (lines ?? []).flatMap((line) => (line.roundTrips === null ? [] : [qualityOf(line, line.roundTrips)]));

function qualityOf(line: LineMeasurement, figures: NonNullable<LineMeasurement["roundTrips"]>): Finding {
  const say = about("quality", line.name);
  const { sent, answered, minMs, medianMs, p95Ms, pdvMs } = figures;
  const lossRatio = sent === 0 ? 0 : 1 - answered / sent;
  const ms = (value: number | null) => (value === null ? "?" : value.toFixed(1));
  const text = `RTT ${ms(medianMs)} ms (least ${ms(minMs)}, 95 % below ${ms(p95Ms)}), PDV ${ms(pdvMs)} ms, ${(lossRatio * 100).toFixed(1)} % of ${sent} round trips lost`;
  if (lossRatio >= LOSS.warning) {
    return say.warning(
      text,
      "Look for the cause: signal of the modem, cable, an overloaded cell. The bond repairs loss, but this line carries less for it.",
    );
  }
  if ((medianMs ?? 0) > SLOW_MS)
    return say.warning(
      text,
      "Something fills this line, or it is a slow one: look who uses it; set evictRttMs if it is always so.",
    );
  if (lossRatio >= LOSS.note || (pdvMs ?? 0) > UNSTEADY_MS) return say.note(text);
  return say.ok(text);
}
