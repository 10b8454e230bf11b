import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

/** What needs ModelOpt, 5.8 GB to install: npm run test:quantize. */
export default defineConfig({
  ...config,
  test: { ...config.test, include: ["test/quantize/*.ts"], testTimeout: 600_000, hookTimeout: 600_000 },
});
