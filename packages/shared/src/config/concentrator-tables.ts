import * as z from "zod";
import { MAX_PATHS } from "../wire/index.ts";
import { type CrossCheck, unique } from "./cross-checks.ts";
import { countAt, valueAt } from "./document.ts";
import { endpointIdentity } from "./endpoint.ts";
import type { KeyPath, RawFault } from "./fault.ts";
import * as fields from "./fields.ts";

/** More are of no use, and each costs probes on every uplink. */
const MAX_CONCENTRATORS = 8;

/** One concentrator as a client's file names it. */
export const ConcentratorTable = z.strictObject({
  name: fields.memberName.optional(),
  publicKey: fields.publicKey,
  /** null: that of [client]. */
  presharedKeyFile: fields.filePath.nullable().default(null),
  endpoints: z.array(fields.endpoint).min(1).max(MAX_PATHS),
});

/** A concentrator a client may use. */
export interface ConcentratorPeer extends z.infer<typeof ConcentratorTable> {
  readonly name: string;
}

const List = z.array(ConcentratorTable).min(1).max(MAX_CONCENTRATORS);

/** One `[concentrator]`, or `[[concentrator]]` once for each, the preferred first. Gives a list with names in both cases. */
export const Concentrators = z.unknown().transform((value, context): readonly ConcentratorPeer[] => {
  const result = Array.isArray(value) ? List.safeParse(value) : ConcentratorTable.safeParse(value);
  if (result.success) return named(Array.isArray(result.data) ? result.data : [result.data]);
  for (const issue of result.error.issues) context.issues.push({ ...issue, input: undefined });
  return z.NEVER;
});

/** One alone is "concentrator", several are "concentrator1" and so on, unless they have names of their own. */
function named(tables: readonly z.infer<typeof ConcentratorTable>[]): ConcentratorPeer[] {
  const number = (index: number) => (tables.length === 1 ? "" : String(index + 1));
  return tables.map((table, index) => ({ ...table, name: table.name ?? `concentrator${number(index)}` }));
}

/** Rules about the concentrators of a client's file. */
export const CONCENTRATOR_TABLE_CHECKS: readonly CrossCheck[] = [
  unique("name", [["concentrator", "*", "name"]]),
  unique("public key", [["concentrator", "*", "publicKey"]], (text) => text.trim()),
  unique(
    "endpoint",
    [
      ["concentrator", "endpoints", "*"],
      ["concentrator", "*", "endpoints", "*"],
    ],
    endpointIdentity,
  ),
  bridgesToOne,
  pathsFit,
];

/** Whether the file names more than one. */
export function isSeveral(raw: unknown): boolean {
  return countAt(raw, ["concentrator"]) > 1;
}

/** A frame that went to both would come back twice, and a segment that moves is a loop for a moment. */
function bridgesToOne(raw: unknown): RawFault[] {
  if (!isSeveral(raw) || valueAt(raw, ["client", "mode"]) !== "bridged") return [];
  const remedy = "Keep one of them, or use routed mode.";
  return [{ path: ["concentrator", 1], problem: "is one too many in bridged mode", remedy }];
}

/** A path is an uplink times an endpoint, and the paths to one concentrator are numbered below MAX_PATHS. */
function pathsFit(raw: unknown): RawFault[] {
  const tables: KeyPath[] = Array.from({ length: countAt(raw, ["concentrator"]) }, (_, index) => [
    "concentrator",
    index,
  ]);
  return [["concentrator"], ...tables].flatMap((table) => {
    const path = [...table, "endpoints"];
    const paths = countAt(raw, ["uplink"]) * countAt(raw, path);
    if (paths <= MAX_PATHS) return [];
    const problem = `times the number of uplinks makes ${paths} paths, more than ${MAX_PATHS}`;
    return [{ path, problem, remedy: "Name fewer endpoints or fewer uplinks." }];
  });
}
