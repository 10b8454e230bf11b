import { resolve } from "node:path";
import { z } from "zod";

const count = z.int32().min(1);

/** Names are those of TensorRT-LLM's NGramDecodingConfig and DraftTargetDecodingConfig. */
export const speculativeConfig = z
  .strictObject({
    /**
     * Who guesses. NGram: prompt lookup, which takes what followed the last tokens where they came before, in the
     * prompt or in the answer. DraftTarget: a smaller model with the same vocabulary.
     */
    decodingType: z.enum(["NGram", "DraftTarget"]),
    /**
     * Most tokens that are guessed at once; 1 to 64. Each request begins with 3 at most, and gets more or fewer as its
     * guesses are right. Default: 15 with NGram, 4 with DraftTarget.
     */
    maxDraftLen: count.max(64).optional(),
    /** Answers in progress above which nothing is guessed; at least 1. Default: any number. */
    maxConcurrency: count.optional(),
    /** NGram: most tokens at the end of a sequence that are looked up; at least 1. Default: 4. */
    maxMatchingNgramSize: count.optional(),
    /** DraftTarget: the path of its GGUF or engine directory. */
    speculativeModel: z.string().min(1).optional(),
  })
  .superRefine(({ decodingType, maxMatchingNgramSize, speculativeModel }, context) => {
    const refuse = (key: string, message: string) =>
      context.addIssue({ code: "custom", path: [key], message });
    if (decodingType === "DraftTarget" && speculativeModel === undefined) {
      refuse("speculativeModel", 'decodingType "DraftTarget" needs the path of the draft model');
    }
    if (decodingType === "NGram" && speculativeModel !== undefined) {
      refuse("speculativeModel", 'It belongs to decodingType "DraftTarget"');
    }
    if (decodingType === "DraftTarget" && maxMatchingNgramSize !== undefined) {
      refuse("maxMatchingNgramSize", 'It belongs to decodingType "NGram"');
    }
  });

type SpeculativeConfig = z.input<typeof speculativeConfig>;

/** With its path made absolute. */
export function resolved<T extends { speculativeConfig?: SpeculativeConfig | undefined }>(embedded: T): T {
  const { speculativeConfig: config } = embedded;
  if (config?.speculativeModel === undefined) return embedded;
  return {
    ...embedded,
    speculativeConfig: { ...config, speculativeModel: resolve(config.speculativeModel) },
  };
}
