/** SmolLM2 from its checkpoint to running engines, compared with transformers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildEngine, modelOptPython } from "@trtllm-node/engine-builder";
import { LLM } from "@trtllm-node/runtime";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { modelPath } from "../support/model.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const texts = [
  "The capital of France is Paris, a city on the Seine that millions of people visit each year.",
  "Water boils at one hundred degrees Celsius at sea level, and freezes at zero.",
  "def add(a, b):\n    return a + b\n",
];

let folder: string;
let python: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "smollm2-"));
  python = (await modelOptPython())!;
  await writeFile(join(folder, "texts.txt"), texts.join("\n\n"));
  await execa(python, ["scripts/quantize/smollm2-checkpoint.py", modelPath(), join(folder, "model")], {
    cwd: root,
  });
});
afterAll(() => rm(folder, { recursive: true }));

it("finds each token as likely as transformers does, unquantized and of 3 x 2 ranks", async () => {
  const { output } = await buildEngine({
    model: join(folder, "model"),
    output: join(folder, "plain"),
    target: "embedded",
    parallel: { tensor: 3, pipeline: 2 },
  });
  await using llm = await LLM.load(output);
  const reference = join(root, "test/reference/log_probs.py");
  for (const text of texts) {
    const { stdout } = await execa(python, [reference, join(folder, "model"), text]);
    const { tokens, logProbs } = JSON.parse(stdout) as { tokens: number[]; logProbs: number[] };
    const score = await llm.score(text);
    expect([...score.tokens]).toEqual(tokens.slice(1));
    for (const [i, value] of score.logProbs.entries())
      expect(Math.abs(value - logProbs[i]!)).toBeLessThan(0.15);
    const mean = (values: ArrayLike<number>) =>
      Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(score.logProbs)).toBeCloseTo(mean(logProbs), 1);
  }
});

it("the example builds an FP8 and an NVFP4 engine in less than ten minutes, and both answer", async () => {
  const start = performance.now();
  const command = ["--import", "tsx", "--conditions=@trtllm-node/source", "examples/build-engine.ts"];
  const paths = [join(folder, "model"), join(folder, "texts.txt"), join(folder, "engines")];
  const { stdout } = await execa(process.execPath, [...command, ...paths], { cwd: root });
  expect(performance.now() - start).toBeLessThan(600_000);
  expect(stdout).toMatch(/^fp8: \d+ s, \d+ bytes, says: ?.*Paris/m);
  expect(stdout).toMatch(/^nvfp4: \d+ s, \d+ bytes, says:.*\w/m);
});
