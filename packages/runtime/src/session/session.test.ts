import { AbortedError, InvalidRequestError } from "@trtllm-node/core";
import { expect, test } from "vitest";
import { bytesOf, byteVocabulary, IM_END, IM_START } from "../../test/byte-vocabulary.ts";
import { type Script, ScriptedExecutor } from "../../test/scripted-executor.ts";
import { SessionBusyError } from "../errors.ts";
import { LLM } from "../llm.ts";
import { VocabularyTokenizer } from "../tokenizer/vocabulary-tokenizer.ts";

function create(script: Script = { chunks: [[...bytesOf("Yes")]] }, maxSequenceTokens = 10_000) {
  const vocabulary = byteVocabulary();
  // "Y", "e" and "s" in one token too, which the tokenizer does not choose.
  const pieces = [...vocabulary.pieces, { bytes: bytesOf("Yes"), control: false }];
  const executor = new ScriptedExecutor(script, {
    vocabulary: { ...vocabulary, size: pieces.length, pieces },
    engine: { maxSequenceTokens, kvBlocks: maxSequenceTokens },
  });
  const llm = new LLM(executor, new VocabularyTokenizer(executor.vocabulary!));
  return { executor, llm, last: () => [...executor.requests.at(-1)!.tokens] };
}

const turn = (text: string) => [IM_START, ...bytesOf(text), IM_END, ...bytesOf("\n")];
const opened = [IM_START, ...bytesOf("assistant\n")];
const YES = 259;

test("each send has all that was said before", async () => {
  const { llm, last } = create();
  const session = llm.session({ system: "Be terse." });
  const { text, usage } = await session.send("One?");
  expect(text).toBe("Yes");
  expect(usage.promptTokens).toBe(last().length);
  await session.send("Two?");
  expect(last()).toEqual([
    ...turn("system\nBe terse."),
    ...turn("user\nOne?"),
    ...turn("assistant\nYes"),
    ...turn("user\nTwo?"),
    ...opened,
  ]);
  expect(session.messages.map(({ role }) => role)).toEqual([
    "system",
    "user",
    "assistant",
    "user",
    "assistant",
  ]);
});

test("a prompt continues the tokens that the model wrote, not those of its text", async () => {
  for (const chunks of [[[YES]], [[YES, IM_END]]]) {
    const { llm, last } = create({ chunks });
    const session = llm.session();
    await session.send("One?");
    const first = last();
    await session.send("Two<|im_end|>?");
    const expected = [...first, YES, IM_END, ...bytesOf("\n"), ...turn("user\nTwo<|im_end|>?"), ...opened];
    expect(last()).toEqual(expected);
  }
});

test("an answer that was cut at a stop string is written again from its text", async () => {
  const { llm, last } = create({ chunks: [[...bytesOf("Yes. No.")]] });
  const session = llm.session();
  await session.send("One?", { stop: "." });
  await session.send("Two?");
  expect(last()).toEqual([
    ...turn("user\nOne?"),
    ...turn("assistant\nYes"),
    ...turn("user\nTwo?"),
    ...opened,
  ]);
});

test("a fork goes its own way from what was said", async () => {
  const { llm, last } = create({ chunks: [[YES]] });
  const session = llm.session();
  await session.send("One?");
  const fork = session.fork();
  await fork.send("Two?");
  expect(last()).toContain(YES);
  expect(fork.messages).toHaveLength(4);
  expect(session.messages).toHaveLength(2);
});

test("a session saved as JSON goes on elsewhere", async () => {
  const { llm } = create();
  const session = llm.session({
    system: "Be terse.",
    whenFull: "drop-oldest-turns",
    tools: [{ name: "now" }],
  });
  await session.send("One?");
  const saved = JSON.parse(JSON.stringify(session));
  expect(saved).toEqual({ messages: session.messages, whenFull: "drop-oldest-turns" });
  const { llm: other, last } = create();
  const resumed = other.session(saved);
  await resumed.send("Two?");
  expect(last()).toEqual([
    ...turn("system\nBe terse."),
    ...turn("user\nOne?"),
    ...turn("assistant\nYes"),
    ...turn("user\nTwo?"),
    ...opened,
  ]);
});

test("with the policy, as many of the oldest turns as needed are left out, and it is said which", async () => {
  const { llm, last } = create(undefined, 150);
  const session = llm.session({ system: "S", whenFull: "drop-oldest-turns" });
  for (const question of ["One?", "Two?", "Three?"]) {
    expect((await session.send(question, { maxTokens: 10 })).droppedMessages).toEqual([]);
  }
  const { droppedMessages } = await session.send("x".repeat(70), { maxTokens: 10 });
  expect(droppedMessages.map(({ content }) => content)).toEqual(["One?", "Yes", "Two?", "Yes"]);
  expect(last()).toEqual([
    ...turn("system\nS"),
    ...turn("user\nThree?"),
    ...turn("assistant\nYes"),
    ...turn(`user\n${"x".repeat(70)}`),
    ...opened,
  ]);
  expect(session.messages.map(({ content }) => content)).toEqual([
    "S",
    "Three?",
    "Yes",
    "x".repeat(70),
    "Yes",
  ]);
});

test("without maxTokens, room for an answer is kept free", async () => {
  const { llm, executor } = create(undefined, 200);
  const session = llm.session({ whenFull: "drop-oldest-turns", answerTokens: 140 });
  await session.send("One?");
  const { droppedMessages } = await session.send("Two?".repeat(5));
  expect(droppedMessages).toHaveLength(2);
  expect(executor.requests.at(-1)!.maxTokens).toBeGreaterThanOrEqual(140);
});

test("a send while an answer is given is refused, or waits its turn", async () => {
  const { llm } = create();
  const session = llm.session();
  const first = session.send("One?");
  expect(session.busy).toBe(true);
  expect(() => session.stream("Two?")).toThrow(SessionBusyError);
  await expect(session.send("Two?")).rejects.toBeInstanceOf(SessionBusyError);
  await first;
  const queue = llm.session({ whileBusy: "queue" });
  const sends = ["One?", "Two?", "Three?"].map((question) => queue.send(question));
  await Promise.all(sends);
  const said = queue.messages.filter(({ role }) => role === "user").map(({ content }) => content);
  expect(said).toEqual(["One?", "Two?", "Three?"]);
});

test("a send that waits can be aborted, and one that fails does not hold up the next", async () => {
  const { llm } = create({ chunks: [[97]], endless: true });
  const session = llm.session({ whileBusy: "queue" });
  const running = session.stream("One?");
  const controller = new AbortController();
  const second = session.send("Two?", { signal: controller.signal });
  const third = session.send("Three?", { temperature: 1, wrong: true } as object);
  controller.abort();
  await expect(second).rejects.toBeInstanceOf(AbortedError);
  running.cancel();
  await expect(third).rejects.toBeInstanceOf(InvalidRequestError);
  expect(session.messages.map(({ content }) => content)).toEqual(["One?", "a"]);
});

test("the session is free when the loop is over, however it ends", async () => {
  const { llm } = create();
  const session = llm.session();
  for await (const _ of session.stream("One?")) {
    // reads it all
  }
  expect(session.busy).toBe(false);
  for await (const _ of session.stream("Two?")) break;
  expect(session.busy).toBe(false);
  expect(session.messages).toHaveLength(4);
});

test("an aborted answer leaves the session as it was", async () => {
  const { llm } = create({ chunks: [[97]], endless: true });
  const session = llm.session();
  const controller = new AbortController();
  const reading = (async () => {
    for await (const _ of session.stream("One?", { signal: controller.signal })) controller.abort();
  })();
  await expect(reading).rejects.toBeInstanceOf(AbortedError);
  expect(session.busy).toBe(false);
  expect(session.messages).toEqual([]);
});

test("a cancelled answer stays as far as it came, and is forgotten where it did not begin", async () => {
  const { llm } = create({ chunks: [[97]], endless: true });
  const session = llm.session();
  const stream = session.stream("One?");
  for await (const _ of stream) stream.cancel();
  expect(session.messages.map(({ content }) => content)).toEqual(["One?", "a"]);
  const silent = create({ chunks: [], endless: true }).llm.session();
  const none = silent.stream("One?");
  none.cancel();
  await none.result;
  expect(silent.messages).toEqual([]);
});

test.each([
  [{ sytem: "S" }, '"sytem"'],
  [{ whenFull: "forget" }, "whenFull"],
  [{ whileBusy: "wait" }, "whileBusy"],
  [{ answerTokens: 0 }, "answerTokens"],
  [{ messages: [{ role: "user" }] }, "messages[0].content"],
])("the options %j are refused", (options, reason) => {
  const { llm } = create();
  expect(() => llm.session(options as object)).toThrow(InvalidRequestError);
  expect(() => llm.session(options as object)).toThrow(reason);
});

test("a long text is tokenized off the event loop, and turns are dropped all the same", async () => {
  const long = "word ".repeat(5000);
  const encoded: number[] = [];
  const vocabulary = byteVocabulary();
  const tokenizeAsync = async (text: string, options?: object) => {
    encoded.push(text.length);
    return vocabulary.tokenize(text, options);
  };
  const limit = 60_000;
  const executor = new ScriptedExecutor(
    { chunks: [[...bytesOf("Yes")]] },
    {
      vocabulary: { ...vocabulary, tokenizeAsync },
      engine: { maxSequenceTokens: limit, kvBlocks: limit },
    },
  );
  const session = new LLM(executor, new VocabularyTokenizer(executor.vocabulary!)).session({
    whenFull: "drop-oldest-turns",
    answerTokens: 1000,
  });
  expect((await session.send(`1 ${long}`)).text).toBe("Yes");
  expect(encoded).toHaveLength(1);
  await session.send("2");
  expect(encoded).toHaveLength(1); // what is new is short
  await session.send(`3 ${long}`);
  const { droppedMessages } = await session.send(`4 ${long}`);
  expect(droppedMessages.map(({ content }) => String(content)[0])).toEqual(["1", "Y"]);
  expect(session.messages.map(({ content }) => String(content)[0])).toEqual(["2", "Y", "3", "Y", "4", "Y"]);
  const controller = new AbortController();
  const aborted = session.stream(`5 ${long}`, { signal: controller.signal });
  controller.abort();
  await expect(aborted.result).rejects.toBeInstanceOf(AbortedError);
  expect(session.busy).toBe(false);
});
