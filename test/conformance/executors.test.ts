import { Executor, type ExecutorOptions } from "@trtllm-node/core";
import { afterAll } from "vitest";
import { modelPath } from "../support/model.ts";
import { hasOpenVino } from "../support/openvino.ts";
import { syntheticEngine, syntheticLibrary } from "../support/synthetic.ts";
import { conformsToExecutorLike, type Subject } from "./behaviours.ts";

const engine = syntheticEngine({ stepDelayMs: 1 });
afterAll(() => engine[Symbol.dispose]());

function subject(path: string, fixed: ExecutorOptions): Subject {
  return {
    create: (options) => Executor.create(path, { ...fixed, ...options }),
    createMissing: () => Executor.create("/no/such/engine", fixed),
  };
}

const synthetic: ExecutorOptions = { libraryPath: syntheticLibrary };
const embedded: ExecutorOptions = { embedded: { maxSequenceTokens: 256 } };

conformsToExecutorLike("Synthetic executor in this process", subject(engine.path, synthetic));
conformsToExecutorLike(
  "Synthetic executor in a process of its own",
  subject(engine.path, { ...synthetic, isolation: "process" }),
);
conformsToExecutorLike("Embedded executor in this process", subject(modelPath(), embedded));
conformsToExecutorLike(
  "Embedded executor in a process of its own",
  subject(modelPath(), { ...embedded, isolation: "process" }),
);

if (await hasOpenVino()) {
  const onOpenVino: ExecutorOptions = { embedded: { runner: "openvino", maxSequenceTokens: 256 } };
  conformsToExecutorLike("Embedded executor on OpenVINO in this process", subject(modelPath(), onOpenVino));
  conformsToExecutorLike(
    "Embedded executor on OpenVINO in a process of its own",
    subject(modelPath(), { ...onOpenVino, isolation: "process" }),
  );
}
