import { expect, test } from "vitest";
import { bytesOf } from "../../test/byte-vocabulary.ts";
import { ScriptedExecutor } from "../../test/scripted-executor.ts";
import { LLM } from "../llm.ts";
import { VocabularyTokenizer } from "../tokenizer/vocabulary-tokenizer.ts";
import { serverSentEvents } from "./server-sent-events.ts";

function stream(chunks: number[][], endless = false) {
  const executor = new ScriptedExecutor({ chunks, endless });
  const llm = new LLM(executor, new VocabularyTokenizer(executor.vocabulary!));
  return {
    executor,
    response: new Response(llm.stream("Hi").toReadableStream().pipeThrough(serverSentEvents())),
  };
}

test("each chunk is an event, whatever line breaks it holds", async () => {
  const { response } = stream([[97], [...bytesOf("\r\n\n\u2028é")]]);
  const events = (await response.text()).split("\n\n");
  expect(events.pop()).toBe("");
  expect(events.map((event) => JSON.parse(event.replace(/^data: /, "")))).toEqual([
    { text: "a", tokens: [97] },
    { text: "\r\n\n\u2028é", tokens: [...bytesOf("\r\n\n\u2028é")] },
  ]);
});

test("a reader that goes away cancels the request", async () => {
  const { executor, response } = stream([[97], [98]], true);
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
  expect(executor.cancelled).toBe(1);
});
