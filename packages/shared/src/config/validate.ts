import type * as z from "zod";
import type { CrossCheck } from "./cross-checks.ts";
import { type ConfigDocument, countAt, locateFaults, valueAt } from "./document.ts";
import { ConfigError, type KeyPath, type RawFault } from "./fault.ts";
import { schemaFaults } from "./schema-faults.ts";

/** Which of the two programs a file is for. */
export type Role = "client" | "concentrator";

/** The rules of one role's file. */
export interface FileRules<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** The known keys of each table, by its name; "" is the top. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  readonly checks: readonly CrossCheck[];
}

/** Checks a whole document. @param further faults that were found elsewhere, to be told with the rest. @throws ConfigError */
export function validate<Schema extends z.ZodType>(
  document: ConfigDocument,
  rules: FileRules<Schema>,
  further: readonly RawFault[],
): z.infer<Schema> {
  const result = rules.schema.safeParse(document.raw);
  const knownKeys = (table: KeyPath) =>
    rules.keys.get(table.filter((part) => typeof part === "string").join(".")) ?? [];
  const faults = [
    ...schemaFaults(document.raw, result.error?.issues ?? [], knownKeys),
    ...rules.checks.flatMap((check) => check(document.raw)),
    ...further,
  ];
  if (faults.length === 0 && result.success) return result.data;
  throw new ConfigError(document.file, locateFaults(document, faults));
}

/** Tells a client's file from a concentrator's by its tables. @throws ConfigError when it is neither. */
export function roleOf(document: ConfigDocument): Role {
  const { raw } = document;
  const client = valueAt(raw, ["client"]);
  if (typeof client === "object" && !Array.isArray(client)) return "client";
  if (valueAt(raw, ["uplink"]) !== undefined || valueAt(raw, ["uplinks"]) !== undefined) return "client";
  if (valueAt(raw, ["concentrator"]) !== undefined || countAt(raw, ["client"]) > 0) return "concentrator";
  const problem = "has neither a [client] nor a [concentrator] table";
  const remedy = "Start from one of the files in deploy/examples.";
  throw new ConfigError(document.file, [{ key: "", place: null, problem, remedy }]);
}

/** @throws ConfigError when the file is for the other program. */
export function requireRole(document: ConfigDocument, role: Role): ConfigDocument {
  const found = roleOf(document);
  if (found === role) return document;
  const problem = `is the file of a ${found}, not of a ${role}`;
  const remedy = `Run: wanbond ${found} run --config ${document.file}`;
  throw new ConfigError(document.file, [{ key: "", place: null, problem, remedy }]);
}
