/** Answers of a given form. Run: node --import tsx examples/06-structured-output.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine);

const city = await llm.generate("Paris as JSON:", {
  guided: {
    jsonSchema: {
      type: "object",
      properties: {
        city: { type: "string", maxLength: 20 },
        country: { type: "string", maxLength: 20 },
        founded: { type: "integer", minimum: -500, maximum: 2000 },
      },
      required: ["city", "country", "founded"],
      additionalProperties: false,
    },
  },
  maxTokens: 200,
});
console.log(JSON.stringify(JSON.parse(city.text)));

const date = await llm.generate("The first moon landing was on", {
  guided: { regex: "\\d{4}-\\d{2}-\\d{2}" },
  maxTokens: 20,
});
console.log(date.text);
