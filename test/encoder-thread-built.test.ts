import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

let directory: string;

const tokenizer = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel" },
  model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2, Ġ: 3 }, merges: ["a b"] },
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "built-"));
  // So large that it is parsed on the thread, too.
  await writeFile(join(directory, "tokenizer.json"), JSON.stringify(tokenizer) + " ".repeat(2 ** 21));
});
afterAll(() => rm(directory, { recursive: true }));

const program = (load: string) => `
  ${load}
  (async () => {
    const engine = { path: ${JSON.stringify(directory)}, name: "x", vocabularySize: 4 };
    const tokenizer = await loadTokenizer({ engine, vocabulary: undefined });
    const options = { addSpecial: false, parseSpecial: false };
    const tokens = await tokenizer.encodeAsync("ab ".repeat(100000), options);
    console.log(tokens.length, tokens.slice(0, 4).join());
  })();`;
const built = (name: string) =>
  JSON.stringify(fileURLToPath(new URL(`../packages/runtime/dist/${name}`, import.meta.url)));

test.each([
  ["module", `import { loadTokenizer } from ${built("index.js")};`],
  ["commonjs", `const { loadTokenizer } = require(${built("index.cjs")});`],
])(
  "the built package as %s loads and encodes on a thread, which does not keep the process alive",
  async (type, load) => {
    const { stdout } = await execa(process.execPath, [`--input-type=${type}`, "--eval", program(load)], {
      timeout: 30_000,
    });
    expect(stdout).toBe("200000 2,3,2,3");
  },
);
