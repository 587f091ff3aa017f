import { type Entry, entriesAt, valueAt } from "./document.ts";
import type { KeyPath, RawFault } from "./fault.ts";
import { keyText } from "./fault.ts";

/**
 * Rules over several keys. They read the raw file, tolerantly, so that a fault in one key does not hide a fault in
 * another: everything that is wrong shows at once.
 */
export type CrossCheck = (raw: unknown) => RawFault[];

/** Each value may stand once. @param identity maps a text to what has to be unique, or null when it is not valid. */
export function unique(
  what: string,
  patterns: readonly string[][],
  identity = (text: string): string | null => text,
): CrossCheck {
  return (raw) => {
    const first = new Map<string, Entry>();
    return patterns
      .flatMap((pattern) => entriesAt(raw, pattern))
      .flatMap((entry) => {
        const id = identity(entry.text);
        const earlier = id === null ? undefined : first.get(id);
        if (id !== null && earlier === undefined) first.set(id, entry);
        if (earlier === undefined) return [];
        const problem = `repeats the ${what} of ${keyText(earlier.path)}`;
        return [
          { path: entry.path, problem, remedy: `Every ${what} may stand once: change or remove one of the two.` },
        ];
      });
  };
}

/** A key that would do nothing is an error that says so. */
export function withoutEffect(
  path: KeyPath,
  when: (raw: unknown) => boolean,
  because: string,
  remedy: string,
): CrossCheck {
  return (raw) => {
    const value = valueAt(raw, path);
    const idle = value === undefined || value === false || (Array.isArray(value) && value.length === 0);
    return !idle && when(raw) ? [{ path, problem: `has no effect ${because}`, remedy }] : [];
  };
}
