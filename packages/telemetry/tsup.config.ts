import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "src/index.ts", opentelemetry: "src/opentelemetry/index.ts" },
  format: ["esm", "cjs"],
  target: "node20",
  // A project build's file list does not hold for the single entry whose types are bundled.
  dts: { compilerOptions: { composite: false } },
  sourcemap: true,
  clean: true,
});
