/** What requests were like: recorded, then analysed. Run: node --import tsx examples/40-traffic.ts <engine> */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLM } from "@trtllm-node/runtime";
import { analyzeTraffic, readTraffic, TrafficRecorder } from "@trtllm-node/tuning";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");
const folder = await mkdtemp(join(tmpdir(), "traffic-"));
const path = join(folder, "traffic.jsonl");

const rules = "You answer questions about rivers. Be short, and name the country of each river. ".repeat(6);
{
  await using llm = await LLM.load(engine);
  await using recorder = new TrafficRecorder(path);
  llm.observe(recorder.observer);
  for (const river of ["Rhine", "Nile", "Amazon", "Danube"]) {
    await llm.generate(`${rules}Where is the ${river}?`, { maxTokens: 12 });
  }
}

const { requests, arrivals, promptTokens, prefixes } = analyzeTraffic(await readTraffic([path]), {
  serviceLevel: { timeToFirstTokenMs: 1000 },
});
console.log(`${requests} requests, ${arrivals?.rate.toFixed(1)} a second`);
console.log(`prompts of ${promptTokens?.min} to ${promptTokens?.max} tokens`);
console.log(`${(100 * (prefixes?.endless ?? 0)).toFixed(0)} % of their tokens came before`);
await rm(folder, { recursive: true });
