import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const NAMED = "/run/netns";

/** The network namespace of this process. */
export interface NetworkNamespace {
  /** Whether it is that of PID 1: the host's, or a container's own. */
  readonly isFirst: boolean;
  /** Unique among the namespaces that exist; a new one may get the number of one that is gone. */
  readonly inode: number;
  /** Tells it from earlier namespaces with the same inode, too, if it has a name (ip netns), which keeps the inode in place. */
  readonly identity: string;
}

export function ownNamespace(): NetworkNamespace {
  const { ino, ctimeMs } = statSync("/proc/self/ns/net");
  const first = inodeOfFirst();
  const isFirst = first === null ? !hasName(ino) : ino === first;
  return { isFirst, inode: ino, identity: isFirst ? "first" : `${ino}@${Math.floor(ctimeMs)}` };
}

/** Whether it is one of those that `ip netns` keeps. */
function hasName(inode: number): boolean {
  try {
    return readdirSync(NAMED).some((name) => statSync(join(NAMED, name)).ino === inode);
  } catch {
    return false; // no such folder, or a name that went away meanwhile: nothing speaks for a name
  }
}

/** null where we may not look, as in some containers. */
function inodeOfFirst(): number | null {
  try {
    return statSync("/proc/1/ns/net").ino;
  } catch {
    return null;
  }
}
