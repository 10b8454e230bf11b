import { fileURLToPath } from "node:url";
import { execaNode } from "execa";
import { expect, it } from "vitest";
import { launchBrowser } from "./support/browser.ts";
import { heard } from "./support/cli.ts";
import { modelPath } from "./support/model.ts";

const cwd = fileURLToPath(new URL("..", import.meta.url));
const nodeOptions = ["--import", "tsx", "--conditions=@trtllm-node/source"];

it("34-websocket-chat: a page holds a conversation, stops an answer, and goes on", async () => {
  const file = "examples/34-websocket-chat.ts";
  const application = execaNode(file, [modelPath()], { cwd, nodeOptions, reject: false });
  const url = (await heard(application.stdout, /http.*\n/)).trim();
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(url);
    const ask = async (text: string) => {
      await page.getByLabel("Your message").fill(text);
      await page.getByRole("button", { name: "Send" }).click();
    };
    const last = page.locator(".answer").last();
    const state = (wanted: string) => page.locator(`.answer[data-state="${wanted}"]`);

    await ask("What is the capital of France?");
    await state("done").waitFor();
    expect(await last.textContent()).toContain("Paris");

    await ask("Count from one to a thousand, in words.");
    await page.waitForFunction("document.querySelectorAll('.answer')[1].textContent.length > 10");
    await page.getByRole("button", { name: "Stop" }).click();
    await state("stopped").waitFor();

    await ask("In which country is Paris?");
    await page.waitForFunction("document.querySelectorAll('[data-state=done]').length === 2");
    expect(await last.textContent()).toMatch(/\w/);
    expect(await page.locator(".user").count()).toBe(3);
  } finally {
    await browser.close();
  }
  application.kill("SIGTERM");
  const { exitCode, stderr } = await application;
  expect([exitCode, stderr]).toEqual([0, ""]);
});
