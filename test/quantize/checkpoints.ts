/** ModelOpt itself, on what CI tests with its stand-in. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quantizeModel, type Toolchain } from "@trtllm-node/engine-builder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  describeCheckpoints,
  modelOptFormats,
  writeTexts,
} from "../../packages/engine-builder/test/checkpoint-suite.ts";
import { readRank } from "../../packages/engine-builder/test/checkpoint-values.ts";
import { describeGgufs } from "../../packages/engine-builder/test/gguf-suite.ts";
import { writeRandomModel } from "../../packages/engine-builder/test/random-model.ts";
import { standIns } from "../../packages/engine-builder/test/stand-in/tools.ts";

describeCheckpoints("quantizeModel, on ModelOpt", {});
describeGgufs("an engine for the embedded executor, of ModelOpt's checkpoints", {});

describe("the stand-in for ModelOpt", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "layout-"));
    await writeRandomModel(join(folder, "model"));
    await writeTexts(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const kvCaches = { fp8: "fp8", nvfp4: "nvfp4", "int8-smoothquant": "int8" } as const;

  it.each(modelOptFormats)(
    "writes files, names, shapes, types and configuration as ModelOpt does: %s",
    async (format) => {
      const kvCache = format in kvCaches ? kvCaches[format as "fp8"] : ("auto" as const);
      const plain = ["none", "fp8-rowwise"].includes(format);
      const layout = async (name: string, tools: Toolchain) => {
        const { output } = await quantizeModel(
          {
            model: join(folder, "model"),
            output: join(folder, `${format}-${name}`),
            target: format === "none" ? "embedded" : "tensorrt-llm",
            quantization: {
              ...{ weights: format, kvCache },
              ...(!plain && { calibration: { dataset: join(folder, "texts.txt"), maxTokens: 32 } }),
            },
            parallel: { tensor: 2, pipeline: 2 },
          },
          { tools },
        );
        const ranks = await Promise.all([0, 1, 2, 3].map((rank) => readRank(output, rank)));
        return {
          files: (await readdir(output)).sort(),
          config: JSON.parse(await readFile(join(output, "config.json"), "utf8")),
          ranks: ranks.map(({ headers }) =>
            [...headers.values()].map(({ name, dtype, shape }) => `${name} ${dtype} [${shape}]`).sort(),
          ),
        };
      };
      expect(await layout("stand-in", standIns)).toEqual(await layout("modelopt", {}));
    },
  );
});
