/** An engine as a model of the Vercel AI SDK, with a tool. Run: node --import tsx examples/30-ai-sdk.ts <engine> */
import { createTrtllm } from "@trtllm-node/ai-sdk";
import { LLM } from "@trtllm-node/runtime";
import { generateText, type ModelMessage, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const trtllm = createTrtllm({ engines: { local: llm } });
const model = trtllm("local");

const { textStream, usage } = streamText({
  model,
  system: "You are a helpful assistant.",
  prompt: "What is the capital of France?",
  maxOutputTokens: 24,
  providerOptions: { trtllm: { priority: 0.9 } },
});
for await (const text of textStream) process.stdout.write(text);
console.log(`\n(${(await usage).inputTokens} tokens in, ${(await usage).outputTokens} out)`);

const weather = tool({
  description: "The weather of a city today",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => (city === "Paris" ? "sunny, 24 degrees" : "unknown"),
});
const shown = { toolCallId: "shown0001", toolName: "weather" };
const messages: ModelMessage[] = [
  // A small model needs to see once how it goes; larger ones do without.
  { role: "user", content: "What is the weather in London?" },
  { role: "assistant", content: [{ type: "tool-call", ...shown, input: { city: "London" } }] },
  {
    role: "tool",
    content: [{ type: "tool-result", ...shown, output: { type: "text", value: "rain, 15 degrees" } }],
  },
  { role: "assistant", content: "The weather in London today is rain, 15 degrees." },
  { role: "user", content: "What is the weather in Paris?" },
];
const { steps, text } = await generateText({
  model,
  messages,
  tools: { weather },
  // And it rarely decides to call by itself: the first answer must be a call.
  prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "auto" }),
  stopWhen: stepCountIs(2),
  maxOutputTokens: 48,
});
for (const { toolName, input, output } of steps.flatMap(({ toolResults }) => toolResults)) {
  console.log(`→ ${toolName} ${JSON.stringify(input)}: ${output}`);
}
console.log(text);
