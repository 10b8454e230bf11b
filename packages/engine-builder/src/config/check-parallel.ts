import type { ModelInfo } from "../model/model-info.ts";
import type { BuildConfig } from "./build-config.ts";
import { type BuildProblem, nearest } from "./build-problem.ts";
import { quantizationFormats } from "./quantization-formats.ts";

const maxRanks = 1024;

/**
 * What the mapping breaks. Sources: tensorrt_llm/mapping.py, the attention layer of tensorrt_llm, ModelOpt's
 * export (postprocess.py).
 */
export function* parallelProblems(config: BuildConfig, model: ModelInfo): Generator<BuildProblem> {
  const { tensor, pipeline, context } = config.parallel;
  const rules = tensorRules(config, model);
  const broken = rules.find(({ holds }) => !holds(tensor));
  if (broken) {
    const all = (candidate: number) => rules.every(({ holds }) => holds(candidate));
    yield {
      field: "parallel.tensor",
      value: tensor,
      rule: broken.rule,
      nearest: nearest(tensor, maxRanks, all),
    };
  }
  const { heads } = model.attention;
  if (heads % tensor === 0 && heads % (tensor * context) !== 0) {
    const rule = `the ${heads} attention heads must divide by tensor × context`;
    const fits = (candidate: number) => heads % (tensor * candidate) === 0;
    yield { field: "parallel.context", value: context, rule, nearest: nearest(context, heads, fits) };
  }
  yield* pipelineProblems(config, model, pipeline);
  yield* expertProblems(config, model);
}

interface Rule {
  readonly rule: string;
  readonly holds: (tensor: number) => boolean;
}

function tensorRules(config: BuildConfig, model: ModelInfo): Rule[] {
  const { heads, kvHeads, headSize } = model.attention;
  const { weights, groupSize } = config.quantization;
  const divides = (size: number) => (tensor: number) => size % tensor === 0;
  const rules: Rule[] = [
    { rule: `the ${heads} attention heads must divide by it`, holds: divides(heads) },
    {
      rule: `it must divide the ${kvHeads} key and value heads, or be a multiple of them`,
      holds: (tensor) => kvHeads % tensor === 0 || tensor % kvHeads === 0,
    },
    { rule: `the hidden size ${model.hiddenSize} must divide by it`, holds: divides(model.hiddenSize) },
    {
      rule: `the feed-forward size ${model.intermediateSize} must divide by it`,
      holds: divides(model.intermediateSize),
    },
  ];
  const format = quantizationFormats[weights];
  if (format.group !== undefined) {
    const group = format.group === 128 ? (groupSize ?? format.group) : format.group;
    const inputs = { "attention output": heads * headSize, "feed-forward": model.intermediateSize };
    for (const [name, size] of Object.entries(inputs)) {
      rules.push({
        rule: `each part of the ${name} size ${size} must divide by the group of ${group} weights of ${weights}`,
        holds: (tensor) => (size / tensor) % group === 0,
      });
    }
  }
  return rules;
}

function* pipelineProblems(config: BuildConfig, model: ModelInfo, pipeline: number): Generator<BuildProblem> {
  const { layers } = model;
  const exported = exportedByModelOpt(config);
  const fits = (candidate: number) => candidate <= layers && (!exported || layers % candidate === 0);
  if (fits(pipeline)) return;
  const rule =
    pipeline > layers
      ? `the model has ${layers} layers, at least one for each stage`
      : `ModelOpt exports only stages of equal size, and ${layers} layers do not divide by it`;
  yield { field: "parallel.pipeline", value: pipeline, rule, nearest: nearest(pipeline, layers, fits) };
}

function* expertProblems({ parallel }: BuildConfig, model: ModelInfo): Generator<BuildProblem> {
  const { tensor, context, expert } = parallel;
  if (expert === 1) return;
  const { experts } = model;
  const wrong = (rule: string, valid: number | undefined) => ({
    field: "parallel.expert",
    value: expert,
    rule,
    nearest: valid,
  });
  if (experts === undefined) return yield wrong("the model has no experts", 1);
  if (context > 1)
    return yield wrong("TensorRT-LLM has no expert parallelism together with context parallelism", 1);
  const fits = (candidate: number) =>
    tensor % candidate === 0 &&
    experts.count % candidate === 0 &&
    experts.intermediateSize % (tensor / candidate) === 0;
  if (fits(expert)) return;
  yield wrong(
    `it must divide parallel.tensor (${tensor}) and the ${experts.count} experts, and ` +
      `parallel.tensor / it must divide their feed-forward size ${experts.intermediateSize}`,
    nearest(expert, tensor, fits),
  );
}

/** Whether the checkpoint comes from ModelOpt's export and not from a convert_checkpoint.py. */
export function exportedByModelOpt({ quantization, target }: BuildConfig): boolean {
  const { byModelOpt } = quantizationFormats[quantization.weights];
  return (
    byModelOpt &&
    (target === "embedded" || quantization.weights !== "none" || quantization.kvCache !== "auto")
  );
}
