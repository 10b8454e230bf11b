import { defineConfig } from "vitest/config";

// Vite's own for code that runs in Node, after ours for the packages' sources.
const conditions = ["@trtllm-node/source", "module", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    // Each file owns a process: a native crash names its file. Two cores: one engine at a time.
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
