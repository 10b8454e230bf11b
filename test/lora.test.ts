import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, open, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Executor, type ExecutorOptions } from "@trtllm-node/core";
import { EnginePool, type LLM } from "@trtllm-node/runtime";
import { createHandler } from "@trtllm-node/server";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AdapterSpec, writeGgufAdapter, writePeftAdapter } from "./support/lora-adapter.ts";
import { modelPath } from "./support/model.ts";

const rawLlama = fileURLToPath(new URL("../native-shim/build/release/bin/raw_llama", import.meta.url));
const maxTokens = 32;
const texts = ["The capital of France is", "Once upon a time there was", "import numpy as np\n"];

const specs: Record<string, AdapterSpec> = {
  all: { seed: 1 },
  attention: { seed: 2, rank: 4, alpha: 4, modules: ["self_attn.q_proj", "self_attn.v_proj"] },
};
const kinds = [undefined, "all", "attention"];

let folder: string;
let executor: Executor;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lora-"));
  for (const [name, spec] of Object.entries(specs)) {
    await writePeftAdapter(path(name), spec);
    await writeGgufAdapter(path(`${name}.gguf`), spec);
  }
  executor = await load();
});

afterAll(async () => {
  await executor?.dispose();
  await rm(folder, { recursive: true });
});

const load = (options: ExecutorOptions = {}) =>
  Executor.create(modelPath("Q4_0"), {
    lora: { all: path("all"), attention: path("attention") },
    kvCache: { eventBufferMaxSize: 1000 },
    embedded: { maxSequenceTokens: 512 },
    ...options,
  });

const prompts = () => texts.map((text) => executor.vocabulary!.tokenize(text));

/** What llama.cpp itself generates with the adapter, driven by a plain loop in C++: each prompt alone, greedily. */
async function llamaCppAnswers(lora: string | undefined): Promise<number[][]> {
  const file = path("prompts.txt");
  await writeFile(
    file,
    prompts()
      .map((tokens) => `${tokens.join(" ")}\n`)
      .join(""),
  );
  const { stdout } = await execa(rawLlama, [
    ...["--model", modelPath("Q4_0"), "--prompts-file", file, "--new-tokens", `${maxTokens}`],
    ...(lora === undefined ? [] : ["--lora", path(`${lora}.gguf`)]),
  ]);
  return stdout.split("\n").map((line) => line.split(" ").filter(Boolean).map(Number));
}

async function answer(tokens: Int32Array, lora: string | undefined, cacheSaltId?: number): Promise<number[]> {
  const { endIds } = executor.vocabulary!;
  const [endId, ...stopTokenIds] = endIds;
  const request = { tokens, maxTokens, endId, stopTokenIds, lora, cacheSaltId };
  const { tokens: all } = await executor.submit(request).result;
  return [...all].filter((token) => !endIds.includes(token));
}

describe("LoRA adapters", () => {
  it("are written by the tests as llama.cpp's own convert_lora_to_gguf.py writes them", async () => {
    const bytes = await readFile(path("all.gguf"));
    // Of blk.0.attn_q and blk.29.attn_k, in what the script of llama.cpp's release makes of the same checkpoint.
    const digests = [
      ["blk.0.attn_q.weight.lora_b", 576, "bf3c9156495b4e04"],
      ["blk.29.attn_k.weight.lora_b", 192, "b7b05e68bf0e4741"],
    ] as const;
    const { gguf } = await import("@huggingface/gguf");
    const { tensorInfos, tensorDataOffset } = await gguf(path("all.gguf"), { allowLocalFile: true });
    for (const [name, rows, digest] of digests) {
      const { offset } = tensorInfos.find((tensor) => tensor.name === name)!;
      const start = Number(tensorDataOffset + offset);
      const values = bytes.subarray(start, start + rows * 8 * 4);
      expect(createHash("sha256").update(values).digest("hex").slice(0, 16)).toBe(digest);
    }
  });

  it("answer as llama.cpp does with them, alone and beside other adapters and none", async () => {
    const expected = new Map<string | undefined, number[][]>();
    for (const lora of kinds) {
      expected.set(lora, await llamaCppAnswers(lora));
      for (const [index, tokens] of prompts().entries())
        expect(await answer(tokens, lora, 1), `${lora}: ${texts[index]}`).toEqual(expected.get(lora)![index]);
    }
    expect(new Set([...expected.values()].map((answers) => JSON.stringify(answers))).size).toBe(3);

    executor.iterationStats();
    for (const [index, tokens] of prompts().entries()) {
      const together = await Promise.all(kinds.map((lora) => answer(tokens, lora, 2 + index)));
      expect(together, texts[index]).toEqual(kinds.map((lora) => expected.get(lora)![index]));
    }
    expect(Math.max(...executor.iterationStats().map((stats) => stats.numActiveRequests))).toBe(3);
  });

  it("share no KV with each other, reuse their own, and are named in events", async () => {
    const tokens = Int32Array.from({ length: 100 }, (_, index) => 1000 + index);
    executor.kvEvents();
    const reused = async (lora: string | undefined) =>
      (await executor.submit({ tokens, maxTokens: 1, lora }).result).kvBlocks.reused;
    for (const lora of kinds) {
      expect(await reused(lora)).toBe(0);
      expect(await reused(lora)).toBe(3);
    }
    const stored = executor.kvEvents().flatMap((event) => (event.type === "stored" ? event.blocks : []));
    expect(new Set(stored.map(({ loraId }) => loraId))).toEqual(new Set([undefined, "1", "2"]));
  });

  it("are loaded and unloaded while requests run, by names that are taken once", async () => {
    const [tokens] = prompts();
    const running = executor.submit({ tokens: tokens!, maxTokens: 100, lora: "all" });
    await executor.lora.load("more", path("attention"));
    expect(executor.lora.names).toEqual(["all", "attention", "more"]);
    const taken = {
      code: "ERR_INVALID_CONFIG",
      message: expect.stringContaining('already a LoRA adapter "more"'),
    };
    await expect(executor.lora.load("more", path("all"))).rejects.toMatchObject(taken);
    expect(await answer(tokens!, "more", 9)).toEqual(await answer(tokens!, "attention", 9));
    executor.lora.unload("more");
    expect(() => executor.submit({ tokens: tokens!, maxTokens: 1, lora: "more" })).toThrow(
      'There is no LoRA adapter "more". Those that are loaded: "all", "attention".',
    );
    expect(() => executor.lora.unload("more")).toThrow('There is no LoRA adapter "more"');
    // Another adapter under an old name is another adapter, also to the KV cache.
    await executor.lora.load("more", path("all"));
    expect(await answer(tokens!, "more", 9)).toEqual(await answer(tokens!, "all", 9));
    executor.lora.unload("more");
    expect((await running.result).tokens).toHaveLength(100);
    const signal = AbortSignal.abort(new Error("Enough."));
    await expect(executor.lora.load("late", path("all"), { signal })).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  it("that are missing, damaged or of another model are told, and the engine goes on", async () => {
    const bad = async (
      name: string,
      change: (adapter: string) => Promise<void>,
      code: string,
      text: string,
    ) => {
      const adapter = path(name);
      await cp(path("attention"), adapter, { recursive: true });
      await change(adapter);
      const error = { name: "AdapterError", code, path: adapter, message: expect.stringContaining(text) };
      await expect(executor.lora.load(name, adapter), name).rejects.toMatchObject(error);
    };
    const weights = "adapter_model.safetensors";
    await bad(
      "gone",
      (adapter) => rm(adapter, { recursive: true }),
      "ERR_ADAPTER_NOT_FOUND",
      "cannot be opened",
    );
    await bad(
      "cut",
      (adapter) => truncate(join(adapter, weights), 100_000),
      "ERR_ADAPTER_CORRUPT",
      "cut off",
    );
    await bad(
      "noise",
      (adapter) => writeFile(join(adapter, "adapter_config.json"), "noise"),
      "ERR_ADAPTER_CORRUPT",
      "no JSON object",
    );
    await bad(
      "other",
      async (adapter) => {
        await using file = await open(join(adapter, weights), "r+");
        const { buffer } = await file.read(Buffer.alloc(200), 0, 200, 8);
        const header = buffer.toString().replace("[4,576]", "[5,460]").replace("9216]", "9200]");
        await file.write(header, 8);
      },
      "ERR_ADAPTER_INCOMPATIBLE",
      "of this engine they must be [r, 576]",
    );
    await using small = await load({ lora: {}, peftCache: { maxAdapterSize: 4 } });
    const rank = { code: "ERR_ADAPTER_INCOMPATIBLE", message: expect.stringContaining("has rank 8") };
    await expect(small.lora.load("all", path("all"))).rejects.toMatchObject(rank);
    await expect(load({ lora: { gone: path("nowhere") } })).rejects.toMatchObject({
      code: "ERR_ADAPTER_NOT_FOUND",
    });
    expect(
      (await executor.submit({ tokens: prompts()[0]!, maxTokens: 2, lora: "all" }).result).tokens,
    ).toHaveLength(2);
  });

  it("are found in an engine's folder, and are models of their own over HTTP", async () => {
    const engine = path("engine");
    await mkdir(join(engine, "lora"), { recursive: true });
    await symlink(modelPath("Q4_0"), join(engine, "model.gguf"));
    await cp(path("all"), join(engine, "lora", "sql"), { recursive: true });
    await using pool = await EnginePool.load({ base: { path: engine, copies: 2, maxBatchSize: 2 } });
    const llm: LLM = pool.model("base");
    await llm.lora.load("extra", path("attention"));
    await pool.swap("base");
    expect(llm.lora.names).toEqual(["sql", "extra"]);
    const prompt = "The capital of France is";
    const options = { maxTokens: 8 };
    const texts = await Promise.all(
      [undefined, "sql", "extra"].map(
        async (lora) => (await llm.generate(prompt, { ...options, lora })).text,
      ),
    );
    expect(new Set(texts).size).toBe(3);

    const handler = createHandler({ base: llm });
    const get = async (url: string, body?: object) => {
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const headers = { "content-type": "application/json" };
      const response = await handler(new Request(`http://localhost${url}`, { headers, ...init }));
      return (await response.json()) as { choices: { text: string }[] };
    };
    expect(await get("/v1/models")).toMatchObject({
      data: [
        { id: "base" },
        { id: "base:sql", root: "sql", parent: "base" },
        { id: "base:extra", root: "extra", parent: "base" },
      ],
    });
    for (const [model, text] of [
      ["base", texts[0]],
      ["base:sql", texts[1]],
      ["sql", texts[1]],
      ["extra", texts[2]],
    ]) {
      const completion = await get("/v1/completions", {
        model,
        prompt,
        max_tokens: 8,
        temperature: 0,
      });
      expect(completion.choices[0]?.text, model).toBe(text);
    }
    expect(await get("/v1/completions", { model: "base:none", prompt: "Once" })).toMatchObject({
      error: { code: "model_not_found" },
    });
    const asField = { model: "base", prompt: "Once", lora_request: { lora_name: "sql" } };
    expect(await get("/v1/completions", asField)).toMatchObject({ error: { param: "lora_request" } });
    await handler.close();
  });
});
