import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTokenizer } from "@trtllm-node/runtime";
import { expect, test } from "vitest";

/** 33 MB, fetched by set-up. */
const gemma = fileURLToPath(new URL("../.cache/tokenizers/gemma3", import.meta.url));

test("the event loop turns while a large tokenizer.json is loaded", async () => {
  const path = await mkdtemp(join(tmpdir(), "large-"));
  await cp(gemma, path, { recursive: true });
  let turns = 0;
  let done = false;
  const loading = loadTokenizer({
    engine: { path, name: "gemma", vocabularySize: 1_000_000 },
    vocabulary: undefined,
  }).finally(() => {
    done = true;
  });
  while (!done) {
    await new Promise(setImmediate);
    turns++;
  }
  const tokens = (await loading).encode("Hello", { addSpecial: true, parseSpecial: false });
  expect(tokens).toHaveLength(2);
  expect(turns).toBeGreaterThan(150); // one for each part of its vocabulary at least
  await rm(path, { recursive: true });
});
