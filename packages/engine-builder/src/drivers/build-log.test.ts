import { describe, expect, it } from "vitest";
import { BuildLog } from "./build-log.ts";

/** Lines of public build logs, shortened to what is read of them, in the order in which trtllm-build prints them. */
const rankLines = (rank: number) => [
  "[08/12/2025-10:00:01] [TRT-LLM] [I] Set gemm_plugin to auto.",
  "[08/12/2025-10:00:02] [TRT-LLM] [I] Total time of constructing network from module object 0.93 seconds",
  "[08/12/2025-10:00:02] [TRT-LLM] [I] Total optimization profiles added: 1",
  "[08/12/2025-10:00:03] [TRT-LLM] [I] Total time to initialize the weights in network Unnamed Network 0: 00:00:01",
  "[08/12/2025-10:00:03] [TRT-LLM] [I] Build TensorRT engine Unnamed Network 0",
  "[08/12/2025-10:00:20] [TRT] [I] Detected 15 inputs and 1 output network tensors.",
  "[08/12/2025-10:00:22] [TRT] [I] Total Activation Memory: 1140871168 bytes",
  "[08/12/2025-10:00:22] [TRT] [I] Total Weights Memory: 16060522496 bytes",
  "[08/12/2025-10:00:23] [TRT] [I] Engine generation completed in 19.7 seconds.",
  "[08/12/2025-10:00:25] [TRT-LLM] [I] Total time of building Unnamed Network 0: 00:00:22",
  `[08/12/2025-10:00:25] [TRT-LLM] [I] Serializing engine to /out/rank${rank}.engine...`,
  "[08/12/2025-10:00:31] [TRT-LLM] [I] Engine serialized. Total time: 00:00:06",
];

describe("BuildLog", () => {
  it("follows the ranks one after the other up to the end", () => {
    const log = new BuildLog("engine", 2);
    const milestones = [0, 1]
      .flatMap(rankLines)
      .flatMap((line) => log.read(line))
      .filter((event) => event.kind === "milestone");
    const fractions = milestones.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(milestones.at(-1)).toMatchObject({ rank: 1, name: "engine written", fraction: 1 });
    expect(milestones.filter(({ rank }) => rank === 0)).toHaveLength(milestones.length / 2);
  });

  it("reads what TensorRT measured", () => {
    const log = new BuildLog("engine", 1);
    const measures = rankLines(0).flatMap((line) =>
      log.read(line).filter((event) => event.kind === "measure"),
    );
    expect(measures.map(({ name, value }) => [name, value])).toEqual([
      ["activationBytes", 1_140_871_168],
      ["weightBytes", 16_060_522_496],
      ["engineSeconds", 19.7],
    ]);
  });

  it.each([
    ["[08/12/2025-10:00:01] [TRT-LLM] [W] max_input_len is ignored", "warning", "max_input_len is ignored"],
    ["[08/12/2025-10:00:01] [TRT-LLM] [MPI_Rank 3] [E] out of memory", "error", "out of memory"],
    ["[08/12/2025-10:00:01] [TRT-LLM] [RANK 1] [E] it broke", "error", "it broke"],
    [
      "[08/12/2025-10:00:01] [TRT] [E] Error Code 10: Internal Error",
      "error",
      "Error Code 10: Internal Error",
    ],
    ["[08/12/2025-10:00:01] [TRT] [F] it is over", "error", "it is over"],
  ])("tells warnings and errors apart: %s", (line, kind, message) => {
    expect(new BuildLog("engine", 1).read(line)).toEqual([{ kind, message }]);
  });

  it("follows our own programs by what they say as JSON", () => {
    const log = new BuildLog("checkpoint", 1);
    const lines = [
      '{"progress": "loading the model", "fraction": 0.02}',
      "current rank: 0, tp rank: 0, pp rank: 0",
      '{"warning": "no vocabulary"}',
      '{"progress": "checkpoint written", "fraction": 1}',
      '{"progress": "cut of',
      '{"other": 1}',
    ];
    expect(lines.flatMap((line) => log.read(line))).toEqual([
      { kind: "milestone", name: "loading the model", rank: 0, fraction: 0.02 },
      { kind: "warning", message: "no vocabulary" },
      { kind: "milestone", name: "checkpoint written", rank: 0, fraction: 1 },
    ]);
  });

  it("follows convert_checkpoint.py", () => {
    const log = new BuildLog("checkpoint", 1);
    const lines = [
      "Total time of reading and converting: 2.018 s",
      "Total time of converting checkpoints: 00:00:03",
    ];
    const names = lines
      .flatMap((line) => log.read(line))
      .map((event) => event.kind === "milestone" && event.name);
    expect(names).toEqual(["converted", "checkpoint written"]);
  });

  it("makes nothing of other lines", () => {
    expect(new BuildLog("engine", 1).read("Loading checkpoint shards: 50%")).toEqual([]);
  });
});
