/** Generated tokens a second with and without speculative decoding, one request at a time. Run: npm run bench:speculation */
import { Executor, type ExecutorOptions } from "@trtllm-node/core";
import { modelPath } from "../support/model.ts";

type SpeculativeConfig = NonNullable<ExecutorOptions["embedded"]>["speculativeConfig"];

const rounds = 3;
const model = modelPath("Q4_0");
const report =
  "The harbour of Kestrel Bay was built in 1874 by the engineer Amos Whitlock. It has two piers, the north pier of 310 metres and the south pier of 280 metres, and a lighthouse of 24 metres at the end of the north pier. Until 1931 the fishing boats sold their catch in the hall behind the quay; since then the auction takes place in the town of Merrow, six kilometres inland. In 1968 a storm broke the south pier in two places, and it took three years to repair it.";
const tasks = {
  copy: `Repeat this text word for word:\n\n${report}`,
  summary: `Summarize in three sentences:\n\n${report}`,
  extraction: `Extract as JSON with the keys place, built, engineer, piers, lighthouse:\n\n${report}`,
  story: "Write a story about a dragon who learns to bake bread.",
  explanation: "Explain how a bicycle stays upright.",
};
const configs: Record<string, SpeculativeConfig> = {
  off: undefined,
  NGram: { decodingType: "NGram" },
  "DraftTarget (itself)": { decodingType: "DraftTarget", speculativeModel: model },
};

for (const [name, speculativeConfig] of Object.entries(configs)) {
  await using executor = await Executor.create(model, {
    maxBatchSize: 1,
    maxNumTokens: 512,
    embedded: speculativeConfig && { speculativeConfig },
  });
  const vocabulary = executor.vocabulary!;
  for (const [task, text] of Object.entries(tasks)) {
    const prompt = `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;
    const tokens = vocabulary.tokenize(prompt, { parseSpecial: true });
    const results = [];
    for (let round = 0; round < rounds; round++) {
      results.push(await executor.submit({ tokens, maxTokens: 160, stopTokenIds: vocabulary.endIds }).result);
    }
    const rates = results.map(({ timings }) => 1000 / (timings.interTokenMs ?? 1)).sort((a, b) => a - b);
    const { speculativeDecoding, tokens: answer } = results[0]!;
    const accepted = speculativeDecoding
      ? `, ${speculativeDecoding.totalAcceptedDraftTokens} of ${speculativeDecoding.totalDraftTokens} guesses right`
      : "";
    console.log(
      `${name}, ${task}: ${rates[1]!.toFixed(0)} tokens/s (median of ${rounds}), ${answer.length} tokens${accepted}`,
    );
  }
}
