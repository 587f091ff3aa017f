import type * as z from "zod";

/** @throws RangeError when it does not fit. */
export function encodeJson(value: unknown, limitBytes: number): string {
  const text = JSON.stringify(value);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > limitBytes) throw new RangeError(`message of ${sizeBytes} bytes, at most ${limitBytes} fit`);
  return text;
}

/** Bytes from an authentic peer, which may still be of another version or faulty: never throws. */
export function parseJson<Schema extends z.ZodType>(
  message: Uint8Array,
  limitBytes: number,
  schema: Schema,
): z.infer<Schema> | null {
  if (message.length > limitBytes) return null;
  try {
    const result = schema.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(message)));
    return result.success ? result.data : null;
  } catch {
    return null; // Not UTF-8 or not JSON: the caller counts it.
  }
}
