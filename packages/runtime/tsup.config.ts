import { defineConfig } from "tsup";

export default defineConfig({
  // The worker is started by its path, beside the file that starts it.
  entry: { index: "src/index.ts", "encoder-worker": "src/tokenizer/encoder-worker.ts" },
  format: ["esm", "cjs"],
  target: "node20",
  // A project build's file list does not hold for the single entry whose types are bundled.
  dts: { entry: "src/index.ts", compilerOptions: { composite: false } },
  // import.meta.url in the CommonJS build.
  shims: true,
  sourcemap: true,
  clean: true,
});
