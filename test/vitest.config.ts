import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * unit, arch and sim need neither root nor a network; netns runs the real programs in network namespaces as root;
 * deploy installs them: packages, services, containers, a kernel of its own.
 */
const root = fileURLToPath(new URL("..", import.meta.url));

export default defineConfig({
  root,
  test: {
    projects: [
      { root, test: { name: "unit", include: ["packages/*/test/**/*.test.ts"] } },
      { root, test: { name: "arch", include: ["test/arch/**/*.test.ts"] } },
      { root, test: { name: "sim", include: ["test/sim/**/*.test.ts"], testTimeout: 60_000 } },
      {
        root,
        test: {
          name: "netns",
          include: ["test/netns/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        root,
        test: {
          name: "deploy",
          include: ["test/deploy/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
