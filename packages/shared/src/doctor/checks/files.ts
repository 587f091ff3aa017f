import type { Check } from "../facts.ts";
import { about } from "../finding.ts";

const OTHERS_WRITE = 0o022;

/** Who may change what wanbond runs by. Keys that others may read are refused by the configuration's own check. */
export const checkFiles: Check = ({ host }) => {
  const say = about("files", null);
  const open = host.files.filter(({ mode }) => (mode & OTHERS_WRITE) !== 0);
  if (open.length === 0) return [say.ok("configuration and keys are their owner's alone to change")];
  return open.map(({ file, mode }) =>
    say.warning(
      `${file} may be changed by others (mode ${(mode & 0o777).toString(8).padStart(4, "0")})`,
      `chmod go-w ${file}`,
    ),
  );
};
