/** An engine as a chat model of LangChain: a chain, a tool, an object. Run: node --import tsx examples/30-langchain.ts <engine> */
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { tool } from "@langchain/core/tools";
import { ChatTrtllm } from "@trtllm-node/langchain";
import { LLM } from "@trtllm-node/runtime";
import { z } from "zod";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);
const model = new ChatTrtllm({ llm, maxTokens: 48 });

const prompt = ChatPromptTemplate.fromMessages([
  ["system", "You are a helpful assistant."],
  ["human", "What is the capital of {country}?"],
]);
const chain = prompt.pipe(model).pipe(new StringOutputParser());
for await (const text of await chain.stream({ country: "France" })) process.stdout.write(text);

const weather = tool(({ city }) => (city === "Paris" ? "sunny, 24 degrees" : "unknown"), {
  name: "weather",
  description: "The weather of a city today",
  schema: z.object({ city: z.string() }),
});
const messages: BaseMessage[] = [
  // A small model needs to see once how it goes; larger ones do without.
  new HumanMessage("What is the weather in London?"),
  new AIMessage({
    content: "",
    tool_calls: [{ id: "shown0001", name: "weather", args: { city: "London" } }],
  }),
  new ToolMessage({ content: "rain, 15 degrees", tool_call_id: "shown0001" }),
  new AIMessage("The weather in London today is rain, 15 degrees."),
  new HumanMessage("What is the weather in Paris?"),
];
// And it rarely decides to call by itself: the first answer must be a call.
const call = await model.bindTools([weather], { tool_choice: "any" }).invoke(messages);
const result: ToolMessage = await weather.invoke(call.tool_calls![0]!);
console.log(`\n→ weather ${JSON.stringify(call.tool_calls![0]!.args)}: ${result.content}`);
const answer = await model.bindTools([weather]).invoke([...messages, call, result]);
console.log(answer.content);

const person = z.object({ name: z.string(), born: z.number().int() });
console.log(await model.withStructuredOutput(person).invoke("Ada Lovelace was born in 1815."));
