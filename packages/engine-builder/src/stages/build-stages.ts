import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ResolvedBuildConfig } from "../config/resolve-build-config.ts";
import { checkpointTool } from "../drivers/checkpoint-arguments.ts";
import { findModelOpt } from "../drivers/modelopt-environment.ts";
import { findScript, type Toolchain } from "../drivers/toolchain.ts";
import type { EngineLock } from "../lock/engine-lock.ts";
import type { ModelInfo } from "../model/model-info.ts";
import { pythonProgram } from "../python-programs.ts";
import { type EngineCommand, type EngineTarget, engineTargets } from "../targets/engine-target.ts";
import { version } from "../version.ts";
import { outputFiles, placeFiles, publishOutput } from "./assemble-output.ts";
import type { BuildEvent } from "./build-event.ts";
import { digestFolder, digestOf, digestPath } from "./digest.ts";
import { filesUnder } from "./durable.ts";
import { runStageTool } from "./run-stage-tool.ts";
import { readStageRecord, stageRecordFile, writeStageRecord } from "./stage-record.ts";
import type { StageStore } from "./stage-store.ts";
import { verifyCheckpoint } from "./verify-stage.ts";

interface StageOptions {
  readonly onEvent?: ((event: BuildEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tools?: Toolchain | undefined;
  /** Where the model is from. */
  readonly origin: string;
}

/** A finished stage: the digest of what it was made of, and where it lies. */
interface Finished {
  readonly key: string;
  readonly path: string;
}

/** The stages of one build, each from what the one before it left. */
export class BuildStages {
  readonly #config: ResolvedBuildConfig;
  readonly #model: ModelInfo;
  readonly #store: StageStore;
  readonly #target: EngineTarget;
  readonly #tools: Toolchain;
  readonly #origin: string;
  readonly #signal: AbortSignal | undefined;
  readonly #emit: (event: BuildEvent) => void;

  constructor(config: ResolvedBuildConfig, model: ModelInfo, store: StageStore, options: StageOptions) {
    this.#config = config;
    this.#model = model;
    this.#store = store;
    this.#target = engineTargets[config.target];
    this.#tools = options.tools ?? {};
    this.#signal = options.signal;
    this.#origin = options.origin;
    this.#emit = (event) => {
      this.#signal?.throwIfAborted();
      options.onEvent?.(event);
    };
  }

  /** @param existing lock file of the engine that is there already */
  async run(existing: EngineLock | undefined): Promise<EngineLock> {
    const source = await this.#source();
    const checkpoint = await this.#checkpoint(source);
    const engine = await this.#engine(checkpoint);
    return this.#output(source, checkpoint, engine, existing);
  }

  /** Digest of the model's files. */
  async #source(): Promise<string> {
    const { model } = this.#config;
    this.#emit({ kind: "stage", stage: "source", state: "started" });
    const files = await filesUnder(model);
    const hashing = (file: string, index: number) => {
      const fraction = index / files.length;
      this.#emit({ kind: "progress", stage: "source", message: `hashing ${file}`, fraction });
    };
    const digests = await digestFolder(model, files, hashing, this.#signal);
    this.#emit({ kind: "stage", stage: "source", state: "finished" });
    return digestOf(digests);
  }

  /** Digest and folder of the checkpoint alone. */
  async checkpoint(): Promise<string> {
    return (await this.#checkpoint(await this.#source())).path;
  }

  async #checkpoint(source: string): Promise<Finished> {
    const { quantization, release } = this.#config;
    // Paths do not change what comes out; what lies there does.
    const read = await this.#digests([quantization.calibration?.dataset, quantization.checkpoint]);
    const nowhere = { ...this.#config, model: "" };
    if (quantization.calibration) {
      nowhere.quantization = { ...quantization, calibration: { ...quantization.calibration, dataset: "" } };
    }
    const { script, args } = checkpointTool(nowhere, this.#model, "");
    return this.#make(
      "checkpoint",
      digestOf([source, version, release, script, args, read]),
      async (folder) => {
        const record = await this.#runTool("checkpoint", await this.#checkpointCommand(folder), folder);
        await verifyCheckpoint(folder, this.#config);
        return record;
      },
    );
  }

  async #checkpointCommand(folder: string): Promise<EngineCommand> {
    const { script, args } = checkpointTool(this.#config, this.#model, folder);
    if (script === "quantize.py") {
      const command = await findModelOpt(this.#tools.modelOptPython);
      return { command, args: [pythonProgram(script), ...args], ranks: 1 };
    }
    const path = await findScript(this.#tools, script);
    return { command: this.#tools.python ?? "python3", args: [path, ...args], ranks: 1 };
  }

  async #engine(checkpoint: Finished): Promise<Finished> {
    const inputs = await this.#target.inputs(this.#config, this.#signal);
    return this.#make("engine", digestOf([checkpoint.key, version, inputs]), async (folder) => {
      const paths = { checkpoint: checkpoint.path, output: folder, work: this.#store.folder };
      const command = await this.#target.command(this.#config, paths, this.#tools);
      const record = await this.#runTool("engine", command, folder);
      await this.#target.finish(folder, this.#config, checkpoint.path);
      return record;
    });
  }

  async #output(
    source: string,
    checkpoint: Finished,
    engine: Finished,
    existing: EngineLock | undefined,
  ): Promise<EngineLock> {
    const stage = "output";
    const { config, commands, measures } = await this.#provenance(checkpoint, engine);
    const { target, changes } = await this.#target.describe(engine.path, this.#config);
    for (const message of changes) this.#emit({ kind: "warning", stage: "engine", message });

    this.#emit({ kind: "stage", stage, state: "started" });
    const folder = join(this.#store.folder, "output.partial");
    const files = await outputFiles(engine.path, this.#config.model);
    files.delete(stageRecordFile);
    await placeFiles(folder, files);
    const hashing = (file: string, index: number) =>
      this.#emit({ kind: "progress", stage, message: `hashing ${file}`, fraction: index / files.size });
    const lock: EngineLock = {
      formatVersion: 1,
      builder: `@trtllm-node/engine-builder ${version}`,
      target,
      source: { model: this.#origin, sha256: source },
      config,
      commands,
      measures,
      files: await digestFolder(folder, [...files.keys()], hashing, this.#signal),
    };
    if (existing !== undefined && digestOf(existing) === digestOf(lock)) {
      await rm(folder, { recursive: true });
      this.#emit({ kind: "stage", stage, state: "reused" });
      return existing;
    }
    this.#emit({ kind: "progress", stage, message: "publishing", fraction: 1 });
    await publishOutput(folder, this.#config.output, lock, join(this.#store.folder, "output.old"));
    this.#emit({ kind: "stage", stage, state: "finished" });
    return lock;
  }

  async #provenance(checkpoint: Finished, engine: Finished) {
    const records = [await readStageRecord(checkpoint.path), await readStageRecord(engine.path)];
    // As JSON has it: without the fields that are undefined.
    const config = JSON.parse(JSON.stringify(this.#config)) as Record<string, unknown>;
    return { config, commands: records.map(({ command }) => command), measures: records[1]!.measures };
  }

  /** Makes the stage, or finds that an earlier run did. */
  async #make(
    stage: "checkpoint" | "engine",
    key: string,
    make: (folder: string) => Promise<Parameters<typeof writeStageRecord>[1]>,
  ): Promise<Finished> {
    if (await this.#store.has(stage, key)) {
      this.#emit({ kind: "stage", stage, state: "reused" });
      return { key, path: this.#store.path(stage, key) };
    }
    this.#emit({ kind: "stage", stage, state: "started" });
    const path = await this.#store.make(stage, key, async (folder) =>
      writeStageRecord(folder, await make(folder)),
    );
    this.#emit({ kind: "stage", stage, state: "finished" });
    return { key, path };
  }

  #runTool(stage: "checkpoint" | "engine", tool: EngineCommand, folder: string) {
    return runStageTool({ stage, ...tool, folder }, this.#emit, this.#signal);
  }

  #digests(paths: readonly (string | undefined)[]): Promise<(string | undefined)[]> {
    return Promise.all(
      paths.map((path) => (path === undefined ? undefined : digestPath(path, this.#signal))),
    );
  }
}
