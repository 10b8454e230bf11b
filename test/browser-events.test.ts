import { LLM, serverSentEvents } from "@trtllm-node/runtime";
import { expect, it } from "vitest";
import { listen } from "./server/listen.ts";
import { launchBrowser } from "./support/browser.ts";
import { modelPath } from "./support/model.ts";

it("A browser's EventSource reads an answer as it is made", async () => {
  await using llm = await LLM.load(modelPath());
  const options = { maxTokens: 8 };
  const prompt = "The capital of France is";
  await using site = await listen(async (request) => {
    if (new URL(request.url).pathname === "/") {
      return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
    }
    const events = llm.stream(prompt, options).toReadableStream().pipeThrough(serverSentEvents());
    return new Response(events, { headers: { "content-type": "text/event-stream" } });
  });
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    const text = await page.evaluate(
      `new Promise((resolve) => {
        const source = new EventSource("/events");
        let text = "";
        source.onmessage = ({ data }) => void (text += JSON.parse(data).text);
        // The stream's end, which it would begin anew.
        source.onerror = () => {
          source.close();
          resolve(text);
        };
      })`,
    );
    expect(text).toBe((await llm.generate(prompt, options)).text);
  } finally {
    await browser.close();
  }
});
