import { expect, test } from "vitest";
import { InvalidRequestError, KvCacheFullError, PromptTooLongError, UnsupportedError } from "./errors.ts";
import type { EngineInfo, ExecutorRequest } from "./executor-like.ts";
import { encodeRequest } from "./request.ts";

const limits = { maxSequenceTokens: 64, maxBeamWidth: 4, tokensPerBlock: 8, kvBlocks: 8 };
const engine = { vocabularySize: 100, ...limits } as EngineInfo;

const noLora = () => 0;

function encode(request: object) {
  return encodeRequest({ tokens: [1, 2, 3], maxTokens: 4, ...request } as ExecutorRequest, engine, noLora);
}

test("Sampling options lie beside the others in the document, and what is undefined is left out.", () => {
  const request = { endId: 2, logProbs: undefined, sampling: { temperature: 0.5, topK: undefined, seed: 7 } };
  expect(JSON.parse(encode(request).json)).toEqual({ maxTokens: 4, endId: 2, temperature: 0.5, seed: 7 });
});

test("A JSON schema goes as text, in its own order of properties, and the other guides as they are.", () => {
  const jsonSchema = { type: "object", properties: { b: {}, a: {} } };
  const text = '{"type":"object","properties":{"b":{},"a":{}}}';
  expect(JSON.parse(encode({ guided: { jsonSchema } }).json).guided).toEqual({ jsonSchema: text });
  expect(JSON.parse(encode({ guided: { jsonSchema: text } }).json).guided).toEqual({ jsonSchema: text });
  expect(JSON.parse(encode({ guided: { regex: "a+" } }).json).guided).toEqual({ regex: "a+" });
  expect(JSON.parse(encode({ guided: { json: true } }).json).guided).toEqual({ json: true });
});

test("A prompt that is an Int32Array is passed on without a copy, an array becomes one.", () => {
  const tokens = Int32Array.of(5, 6);
  expect(encode({ tokens }).tokens).toBe(tokens);
  expect(encode({ tokens: [5, 6] }).tokens).toEqual(tokens);
});

test.each([
  [{ tokens: [] }, "prompt is empty"],
  [{ tokens: "Hello" }, "array of token ids"],
  [{ tokens: [1, 100] }, "tokens holds 100 at index 1"],
  [{ tokens: Int32Array.of(-1) }, "tokens holds -1 at index 0"],
  [{ tokens: [1.5] }, "tokens holds 1.5 at index 0"],
  [{ tokens: [Number.NaN] }, "tokens holds NaN at index 0"],
  [{ maxTokens: 0 }, "maxTokens is 0"],
  [{ maxTokens: -1 }, "maxTokens is -1"],
  [{ maxTokens: 1.5 }, "maxTokens is 1.5"],
  [{ maxTokens: undefined }, "maxTokens is undefined"],
  [{ sampling: { temperature: Number.NaN } }, "sampling.temperature is NaN"],
  [{ sampling: { temperature: Number.POSITIVE_INFINITY } }, "sampling.temperature is Infinity"],
  [{ sampling: { temperature: -0.1 } }, "sampling.temperature is -0.1"],
  [{ sampling: { topP: 0 } }, "sampling.topP is 0"],
  [{ sampling: { minP: 1.1 } }, "sampling.minP is 1.1"],
  [{ sampling: { seed: 2 ** 53 } }, "sampling.seed is 9007199254740992"],
  [{ sampling: { topk: 4 } }, 'Unknown option "sampling.topk": did you mean "topK"?'],
  [{ sampling: { topPDecay: 0.9 } }, "sampling.topPDecay is 0.9"],
  [{ sampling: { temperature: 1, topK: 3, topPDecay: 0.9 } }, "leave topK out"],
  [{ sampling: { temperature: 1, topPMin: 0.5 } }, "It belongs to topPDecay"],
  [{ sampling: { temperature: 1, topPDecay: 0.5, topPResetId: 100 } }, "sampling.topPResetId holds 100"],
  [{ sampling: { promptIgnoreLength: -1 } }, "sampling.promptIgnoreLength is -1"],
  [{ sampling: { noRepeatNgramSize: 1.5 } }, "sampling.noRepeatNgramSize is 1.5"],
  [{ sampling: { badWords: [[]] } }, "sampling.badWords.0 is "],
  [{ sampling: { badWords: [[1], [5, 100]] } }, "sampling.badWords holds 100 at index 1"],
  [{ sampling: { logitBias: { 100: 1 } } }, "sampling.logitBias holds 100"],
  [{ sampling: { logitBias: { a: 1 } } }, "sampling.logitBias holds NaN"],
  [{ sampling: { logitBias: { 1: Number.NEGATIVE_INFINITY } } }, "sampling.logitBias.1 is -Infinity"],
  [{ sampling: { numReturnSequences: 0 } }, "sampling.numReturnSequences is 0"],
  [{ sampling: { beamWidth: 5 } }, "the engine was loaded with maxBeamWidth 4"],
  [{ sampling: { beamWidth: 2, numReturnSequences: 3 } }, "returns its beams at most"],
  [{ sampling: { beamWidth: 2, topP: 0.5 } }, "sampling.topP has no meaning in beam search"],
  [{ sampling: { lengthPenalty: 1 } }, "sampling.lengthPenalty belongs to beam search"],
  [{ sampling: { beamWidth: 2, earlyStopping: -1 } }, "sampling.earlyStopping is -1"],
  [{ stopWords: [[1, -2]] }, "stopWords holds -2 at index 1"],
  [{ stopWords: [3] }, "stopWords.0 is 3"],
  [{ endId: 100 }, "endId holds 100"],
  [{ stopTokenIds: [3, -2] }, "stopTokenIds holds -2 at index 1"],
  [{ topLogProbs: 3 }, "topLogProbs belongs to logProbs"],
  [{ logProbs: true, topLogProbs: 21 }, "topLogProbs is 21"],
  [{ promptLogProbs: 1 }, "promptLogProbs is 1"],
  [{ priority: 2 }, "priority is 2"],
  [{ timeoutMs: 0 }, "timeoutMs is 0"],
  [{ guided: {} }, "Expected exactly one of json, jsonSchema, regex and grammar"],
  [{ guided: { json: true, regex: "a" } }, "Expected exactly one of json, jsonSchema, regex and grammar"],
  [{ guided: { json: false } }, "guided.json is false"],
  [{ guided: { jsonSchema: 3 } }, "guided.jsonSchema is 3. Expected an object or its text"],
  [{ guided: { regexp: "a" } }, 'Unknown option "guided.regexp": did you mean "regex"?'],
  [{ maxtokens: 4 }, 'Unknown option "maxtokens": did you mean "maxTokens"?'],
])("The request %j is refused with what is wrong in it.", (request, message) => {
  expect(() => encode(request)).toThrow(InvalidRequestError);
  expect(() => encode(request)).toThrow(message);
});

test("A prompt that leaves no room for maxTokens is refused with the three numbers.", () => {
  const tokens = new Int32Array(61);
  expect(() => encode({ tokens, maxTokens: 3 })).not.toThrow();
  expect(() => encode({ tokens, maxTokens: 4 })).toThrow(PromptTooLongError);
  expect(() => encode({ tokens, maxTokens: 4 })).toThrow(/61.*4.*64/);
});

test("A request that needs more blocks than the pool has is refused, since waiting cannot help.", () => {
  const small = { ...engine, kvBlocks: 2 };
  expect(() => encodeRequest({ tokens: [1], maxTokens: 15 }, small, noLora)).not.toThrow();
  expect(() => encodeRequest({ tokens: [1], maxTokens: 16 }, small, noLora)).toThrow(KvCacheFullError);
});

test("Each sequence needs blocks of its own but for the full ones of the prompt.", () => {
  const request = (sampling: object, maxTokens = 8) => ({ tokens: new Int32Array(20), maxTokens, sampling });
  // Of 4 blocks the first 2 are shared: 4 + 2 + 2 are the whole pool.
  expect(() => encode(request({ numReturnSequences: 3 }))).not.toThrow();
  expect(() => encode(request({ numReturnSequences: 4 }))).toThrow(KvCacheFullError);
  expect(() => encode(request({ beamWidth: 4, numReturnSequences: 1 }))).toThrow("sequences 4");
});

test.each([{ guided: { json: true } }, { logProbs: true, topLogProbs: 2 }])(
  "Beam search with %j is refused as unsupported.",
  (request) => {
    expect(() => encode({ ...request, sampling: { beamWidth: 2 } })).toThrow(UnsupportedError);
  },
);
