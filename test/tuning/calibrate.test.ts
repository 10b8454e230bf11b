import { Executor } from "@trtllm-node/core";
import { calibrate } from "@trtllm-node/tuning";
import { expect, test } from "vitest";
import { modelPath } from "../support/model.ts";

test("the steps of an engine are measured and described", async () => {
  await using executor = await Executor.create(modelPath(), {
    maxBatchSize: 3,
    maxNumTokens: 64,
    embedded: { maxSequenceTokens: 192 },
  });
  const done: number[] = [];
  const model = await calibrate(executor, { onProgress: (part) => done.push(part) });
  expect(done.at(-1)).toBe(1);
  expect(model.batches).toEqual(expect.arrayContaining([1, 2, 3]));
  expect(model.token).toBeGreaterThan(0);
  for (const ms of model.batchMs) expect(ms).toBeGreaterThan(0);
  // Nothing of it is left in the engine.
  expect(executor.iterationStats()).toEqual([]);
});

test("aborting ends a calibration, and the engine goes on", async () => {
  await using executor = await Executor.create(modelPath(), {
    maxBatchSize: 1,
    embedded: { maxSequenceTokens: 128 },
  });
  const controller = new AbortController();
  const calibration = calibrate(executor, {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(calibration).rejects.toMatchObject({ code: "ERR_ABORTED" });
  expect((await executor.submit({ tokens: [1, 2], maxTokens: 2 }).result).tokens).toHaveLength(2);
});
