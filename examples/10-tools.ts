/** A model that calls a function of yours, and answers with what it gave. Run: node --import tsx examples/10-tools.ts <engine> */
import { type ChatMessage, LLM, type Tool } from "@trtllm-node/runtime";
import { z } from "zod";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

const City = z.object({ city: z.string() });
const weather: Tool = { name: "weather", description: "The weather of a city today", parameters: City };

/** Whatever your application does; here a table. */
function lookUp({ city }: z.infer<typeof City>): string {
  const known: Record<string, string> = { Paris: "sunny, 24 degrees", London: "rain, 15 degrees" };
  return known[city] ?? `There is no weather station in ${city}.`;
}

await using llm = await LLM.load(engine);
const messages: ChatMessage[] = [
  // A small model needs to see once how it goes; larger ones do without.
  { role: "user", content: "What is the weather in London?" },
  {
    role: "assistant",
    content: "",
    toolCalls: [{ id: "shown0001", name: "weather", arguments: { city: "London" } }],
  },
  { role: "tool", toolCallId: "shown0001", content: "rain, 15 degrees" },
  { role: "assistant", content: "The weather in London today is rain, 15 degrees." },
  { role: "user", content: "What is the weather in Paris?" },
];

// And it rarely decides to call by itself: the first answer must be a call. After that it is free to answer.
let toolChoice: "required" | "auto" = "required";
for (;;) {
  const answer = llm.chat(messages, { tools: [weather], toolChoice, maxTokens: 48 });
  for await (const text of answer.textStream) process.stdout.write(text);
  const { message, toolCalls, toolCallErrors } = await answer.result;
  messages.push(message);
  // A call that cannot be used is never lost: here it is an error, elsewhere something to tell the model.
  for (const error of toolCallErrors) throw new Error(error.message);
  if (toolCalls.length === 0) break;
  for (const call of toolCalls) {
    console.log(`→ ${call.name} ${JSON.stringify(call.arguments)}`);
    messages.push({ role: "tool", toolCallId: call.id, content: lookUp(City.parse(call.arguments)) });
  }
  toolChoice = "auto";
}
console.log();
