/** A worker that goes through a queue of jobs beside interactive requests. Run: node --import tsx examples/35-queue-worker.ts <engine> */
import { LLM } from "@trtllm-node/runtime";
import PQueue from "p-queue";
import { z } from "zod";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

await using llm = await LLM.load(engine, { maxBatchSize: 4 });

const reviews = [
  "The battery died after two days, and nobody answers my mails.",
  "Bright screen, fast, and it was here the next morning. I love it.",
  "It does what it says.",
  "Broken when it came. The second one too.",
  "My daughter uses it every day and will not give it back!",
  "Too loud for the bedroom, fine for the kitchen.",
];
const verdict = z.object({ mood: z.enum(["good", "bad", "neutral"]) });

// As many at once as the engine computes together: more would only wait inside of it.
const queue = new PQueue({ concurrency: llm.engine.maxBatchSize });
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());

const jobs = reviews.map((review, id) =>
  queue.add(
    async ({ signal }) => {
      const prompt = `Is this review good, bad or neutral?\n\n${review}`;
      // Below the 0.5 of requests that somebody waits for.
      const { mood } = await llm.generateObject(prompt, verdict, { maxTokens: 32, priority: 0.1, signal });
      console.log(`job ${id}: ${mood}`);
      return mood;
    },
    { signal: stopping.signal },
  ),
);

// Meanwhile somebody asks. The request goes before all jobs that have not begun.
const answer = await llm.chat([{ role: "user", content: "What is the capital of France?" }], {
  maxTokens: 16,
}).result;
console.log(`asked meanwhile: ${answer.text}, with ${queue.size + queue.pending} jobs left`);

const moods = await Promise.all(jobs);
console.log(`${moods.length} jobs, ${new Set(moods).size > 1 ? "of several moods" : `all ${moods[0]}`}`);
