declare module "node-gyp-build" {
  /** Finds the addon of the package at root, built there or prebuilt; path() only names its file. Both throw without one. */
  const load: ((root: string) => unknown) & { path(root: string): string };
  export = load;
}
