import packageJson from "../../package.json" with { type: "json" };
import type { ProgramVersion } from "../wire/index.ts";

/** This program's version, as it is told to the far end when a line is measured. */
export function programVersion(): ProgramVersion {
  const [major = 0, minor = 0, patch = 0] = packageJson.version.split(/[.-]/).map(Number);
  return [major, minor, patch];
}
