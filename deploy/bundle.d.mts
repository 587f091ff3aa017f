import type { Metafile } from "esbuild";

/** Bundles the programs into a folder, which is made when missing. @returns which files went in. */
export function bundle(folder: string, options: { sourcemap?: boolean; minify?: boolean }): Promise<Metafile>;
