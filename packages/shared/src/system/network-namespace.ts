import { statSync } from "node:fs";

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
  const isFirst = ino === (inodeOfFirst() ?? ino);
  return { isFirst, inode: ino, identity: isFirst ? "first" : `${ino}@${Math.floor(ctimeMs)}` };
}

/** null where we may not look: then there is but one namespace as far as we can know. */
function inodeOfFirst(): number | null {
  try {
    return statSync("/proc/1/ns/net").ino;
  } catch {
    return null;
  }
}
