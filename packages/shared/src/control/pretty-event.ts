/** Fields that have their own place in a line. */
const PLACED = new Set(["level", "time", "role", "event", "message"]);

/**
 * One event for people: `12:03:04.123 INFO  member-evicted: its RTT is above evictRttMs  member=isp1 rttMs=2140`.
 *
 * @param line one JSON object as the event log writes it; another line comes back as it is.
 */
export function prettyEvent(line: string): string {
  const fields = parseObject(line);
  if (fields === null) return line;
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : "");
  const head = [text("event"), text("message")].filter((part) => part !== "").join(": ");
  const time = text("time").slice(11, 23);
  return `${[time, text("level").toUpperCase().padEnd(5), head, ...fieldsText(fields)].join(" ")}\n`;
}

/** The fields of an event that have no place of their own, as `name=value`. */
export function fieldsText(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields)
    .filter(([name]) => !PLACED.has(name))
    .map(
      ([name, value]) =>
        `${name}=${typeof value === "string" && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
    );
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : null;
  } catch {
    return null; // Not of the event log, for example a warning of node: shown as it is.
  }
}
