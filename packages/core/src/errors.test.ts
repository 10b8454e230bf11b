import { expect, test } from "vitest";
import { AbortedError, ConfigError, EngineError, PromptTooLongError, TrtllmError } from "./errors.ts";

test("Every error is a TrtllmError with the code and the name of its class.", () => {
  const error = new ConfigError("maxBatchSize is 0.");
  expect(error).toBeInstanceOf(TrtllmError);
  expect(error.code).toBe("ERR_INVALID_CONFIG");
  expect(String(error)).toBe("ConfigError: maxBatchSize is 0.");
});

test("An error of another copy of the package is recognized, anything else is not.", () => {
  const fromAnotherCopy = { [Symbol.for("trtllm-node.error")]: true };
  expect(TrtllmError.isInstance(new ConfigError("x"))).toBe(true);
  expect(TrtllmError.isInstance(fromAnotherCopy)).toBe(true);
  for (const other of [new Error("x"), null, undefined, "ConfigError"]) {
    expect(TrtllmError.isInstance(other)).toBe(false);
  }
});

test("AbortedError is named as the web names it and carries the signal's reason as cause.", () => {
  const reason = new Error("user left");
  const error = new AbortedError("The request was aborted.", { cause: reason });
  expect(error.name).toBe("AbortError");
  expect(error.cause).toBe(reason);
});

test("PromptTooLongError names its three numbers, in the message and as fields.", () => {
  const error = new PromptTooLongError({ promptTokens: 4000, maxTokens: 200, limit: 4096 });
  expect(error).toMatchObject({ promptTokens: 4000, maxTokens: 200, limit: 4096 });
  expect(error.message).toMatch(/4000.*200.*4096/);
});

test("EngineError tells the path and which of its codes applies.", () => {
  const error = new EngineError("ERR_ENGINE_CORRUPT", "The file is truncated.", "/models/a.gguf");
  expect(error).toMatchObject({ code: "ERR_ENGINE_CORRUPT", path: "/models/a.gguf", name: "EngineError" });
});
