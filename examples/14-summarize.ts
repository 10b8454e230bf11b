/** Summaries of many documents, a few at a time. Run: node --import tsx examples/14-summarize.ts <engine> */
import { LLM } from "@trtllm-node/runtime";

const engine = process.argv[2];
if (!engine) throw new Error("Pass the path of a GGUF file or an engine directory");

const subjects = ["lighthouse", "railway", "library", "market", "harbour", "observatory"];
const documents = subjects.map(
  (subject, index) =>
    `The ${subject} of the town was opened in ${1850 + 7 * index}. It burned down twice, and was rebuilt both times ` +
    `by its own visitors. Today the ${subject} is open all year, and children are admitted for free.`,
);

/** Runs `work` on each item, at most `limit` at once, and yields in order of completion. */
async function* boundedBy<T, R>(
  limit: number,
  items: Iterable<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running = new Set<Promise<{ readonly result: R; readonly done: () => void }>>();
  const next = async () => {
    const { result, done } = await Promise.race(running);
    done();
    return result;
  };
  for (const item of items) {
    const task: Promise<{ readonly result: R; readonly done: () => void }> = work(item).then((result) => ({
      result,
      done: () => void running.delete(task),
    }));
    running.add(task);
    if (running.size >= limit) yield await next();
  }
  while (running.size > 0) yield await next();
}

// As many at once as the engine runs in one batch: more would only wait in its queue.
await using llm = await LLM.load(engine, { maxBatchSize: 4 });

async function summarize(document: string): Promise<string> {
  const { text } = await llm.chat(
    [{ role: "user", content: `Summarize this in one short sentence:\n${document}` }],
    { maxTokens: 24, stop: "\n" },
  ).result;
  return text.trim();
}

for await (const summary of boundedBy(llm.engine.maxBatchSize, documents, summarize))
  console.log(`- ${summary}`);
const { requests, timeToFirstTokenMs } = llm.metrics();
const ended = Object.values(requests.ended).reduce((sum, count) => sum + count, 0);
console.log(`${ended} documents, first token after ${timeToFirstTokenMs.p50.toFixed(0)} ms in the median`);
