import { AbortedError, InvalidRequestError } from "@trtllm-node/core";
import { describe, expect, test } from "vitest";
import { BOS, bytesOf, byteVocabulary, IM_END, IM_START } from "../test/byte-vocabulary.ts";
import { ScriptedExecutor } from "../test/scripted-executor.ts";
import { ChatTemplateError } from "./errors.ts";
import { LLM } from "./llm.ts";
import { VocabularyTokenizer } from "./tokenizer/vocabulary-tokenizer.ts";

function create(vocabulary = byteVocabulary()) {
  const executor = new ScriptedExecutor({ chunks: [[...bytesOf("Yes")]] }, { vocabulary });
  return { executor, llm: new LLM(executor, new VocabularyTokenizer(vocabulary)) };
}

test("generate gives the text of the answer", async () => {
  const { llm } = create();
  expect((await llm.generate("Well?")).text).toBe("Yes");
});

test("a prompt is a text in which special tokens are read, or token ids as they are", async () => {
  const { executor, llm } = create(byteVocabulary({ addBos: true }));
  await llm.generate("a<|im_end|>");
  await llm.generate([98, IM_END]);
  await llm.generate(Int32Array.of(99));
  expect(executor.requests.map(({ tokens }) => [...tokens])).toEqual([[BOS, 97, IM_END], [98, IM_END], [99]]);
});

test("the answer may be as long as fits, and the model's end tokens end it", async () => {
  const { executor, llm } = create(byteVocabulary({ endIds: [10, IM_END, 11] }));
  await llm.generate("1234");
  expect(executor.requests[0]).toMatchObject({ maxTokens: 96, endId: IM_END, stopTokenIds: [10, 11] });
});

test("a KV cache smaller than the longest sequence bounds the answer", async () => {
  const executor = new ScriptedExecutor({ chunks: [[97]] }, { engine: { kvBlocks: 2, tokensPerBlock: 8 } });
  const llm = new LLM(executor, new VocabularyTokenizer(executor.vocabulary!));
  await llm.generate("1234");
  expect(executor.requests[0]).toMatchObject({ maxTokens: 12 });
});

test("options reach the executor", async () => {
  const { executor, llm } = create();
  const { signal } = new AbortController();
  const sampling = { temperature: 0.5, topK: 4, topP: 0.9, minP: 0.1, seed: 7, minTokens: 1 };
  const penalties = { repetitionPenalty: 1.1, presencePenalty: 0.2, frequencyPenalty: 0.3 };
  const rest = { maxTokens: 5, priority: 1, timeoutMs: 9, logProbs: true, signal };
  await llm.generate("a", { ...sampling, ...penalties, ...rest });
  expect(executor.requests[0]).toMatchObject({ sampling: { ...sampling, ...penalties }, ...rest });
});

test("an unknown option is refused with the name that may have been meant", async () => {
  const { llm } = create();
  const wrong = llm.generate("a", { maxToken: 5 } as object);
  await expect(wrong).rejects.toBeInstanceOf(InvalidRequestError);
  await expect(wrong).rejects.toThrow(/"maxToken".*"maxTokens"/);
});

test.each([[""], [undefined], [5]])("the prompt %j is refused", (prompt) => {
  const { executor, llm } = create(byteVocabulary({ addBos: true }));
  expect(() => llm.stream(prompt as string)).toThrow(InvalidRequestError);
  expect(executor.requests).toEqual([]);
});

test("without room for an answer one token is asked for, which the executor refuses", () => {
  const { executor, llm } = create();
  llm.stream("a".repeat(100));
  expect(executor.requests[0]).toMatchObject({ maxTokens: 1 });
});

test("an aborted signal rejects before anything runs", async () => {
  const { executor, llm } = create();
  await expect(llm.generate("a", { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(AbortedError);
  expect(executor.requests).toEqual([]);
});

test("chat writes the conversation with the model's template", async () => {
  const { executor, llm } = create();
  const { text } = await llm.chat([{ role: "user", content: "Hi" }]).result;
  expect(text).toBe("Yes");
  expect([...executor.requests[0]!.tokens]).toEqual([
    ...[IM_START, ...bytesOf("user\nHi"), IM_END, ...bytesOf("\n")],
    ...[IM_START, ...bytesOf("assistant\n")],
  ]);
});

test.each([
  [[], "non-empty array"],
  ["Hi", "non-empty array"],
  [[{ role: "user" }], "messages[0].content must be a string"],
  [[{ role: 5, content: "Hi" }], "messages[0].role must be a string"],
  [[{ role: "user", content: "Hi" }, null], "messages[1].role must be a string"],
])("the messages %j are refused", (messages, reason) => {
  const { llm } = create();
  expect(() => llm.chat(messages as never)).toThrow(InvalidRequestError);
  expect(() => llm.chat(messages as never)).toThrow(reason);
});

test("chat without a template says which file to add", () => {
  const { llm } = create(byteVocabulary({ chatTemplate: undefined }));
  expect(() => llm.chat([{ role: "user", content: "Hi" }])).toThrow(ChatTemplateError);
  expect(() => llm.chat([{ role: "user", content: "Hi" }])).toThrow("chat_template.jinja");
});

test("countTokens counts what the text has as a prompt", async () => {
  const { llm } = create(byteVocabulary({ addBos: true }));
  expect(await llm.countTokens("abc<|im_end|>")).toBe(5);
  expect((await llm.generate("abc<|im_end|>")).usage.promptTokens).toBe(5);
});

test("disposing the LLM disposes its executor", async () => {
  const { executor, llm } = create();
  {
    await using owned = llm;
    expect(owned.engine.name).toBe("Scripted");
  }
  expect(executor.disposed).toBe(1);
});

describe("a long prompt", () => {
  const long = "a<|im_end|>".repeat(5000);
  const roomy = () => {
    const executor = new ScriptedExecutor(
      { chunks: [[...bytesOf("Yes")]] },
      { engine: { maxSequenceTokens: 100_000, kvBlocks: 100_000 } },
    );
    return { executor, llm: new LLM(executor, new VocabularyTokenizer(executor.vocabulary!)) };
  };

  test("is submitted once its tokens are there, which are those of a short one", async () => {
    const { executor, llm } = roomy();
    const stream = llm.stream(long);
    expect(executor.requests).toEqual([]);
    let text = "";
    for await (const chunk of stream) text += chunk.text;
    expect(text).toBe("Yes");
    expect([...executor.requests[0]!.tokens]).toEqual(Array(5000).fill([97, IM_END]).flat());
    expect((await stream.result).usage.promptTokens).toBe(10_000);
  });

  test("is read in a chat too, where no content can end its turn", async () => {
    const { executor, llm } = roomy();
    const { text } = await llm.chat([{ role: "user", content: long }]).result;
    expect(text).toBe("Yes");
    const content = executor.requests[0]!.tokens.slice(1 + "user\n".length);
    expect([...content.slice(0, long.length)]).toEqual([...bytesOf(long)]);
  });

  test("that is refused rejects in the loop and in the result", async () => {
    const { llm } = roomy();
    const wrong = { maxToken: 5 } as object;
    const reading = (async () => {
      for await (const _ of llm.stream(long, wrong));
    })();
    await expect(reading).rejects.toBeInstanceOf(InvalidRequestError);
    await expect(llm.generate(long, wrong)).rejects.toThrow("maxTokens");
  });

  test("is not submitted where it was aborted or cancelled before", async () => {
    const { executor, llm } = roomy();
    const controller = new AbortController();
    const aborted = llm.stream(long, { signal: controller.signal });
    controller.abort();
    await expect(aborted.result).rejects.toBeInstanceOf(AbortedError);
    const cancelled = llm.stream(long);
    cancelled.cancel();
    expect(await cancelled.result).toMatchObject({ text: "", finishReason: "cancelled" });
    for await (const _ of llm.stream(long)) break;
    const left = llm.stream(long)[Symbol.asyncIterator]();
    await left.return?.();
    expect(await left.next()).toMatchObject({ done: true });
    expect(executor.requests).toHaveLength(1);
    expect(() => llm.stream(long, { signal: AbortSignal.abort() })).toThrow(AbortedError);
  });
});
