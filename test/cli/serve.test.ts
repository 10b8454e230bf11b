import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heard, runCli } from "../support/cli.ts";
import { modelPath } from "../support/model.ts";

let folder: string;
let keys: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trtllm-node-serve-"));
  keys = join(folder, "keys");
  await writeFile(keys, "# ours\nsk-one-key-of-a-test\n");
});
afterAll(() => rm(folder, { recursive: true }));

/** `fetch` sets the host itself. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const [response] = (await once(request(url, { headers }).end(), "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

describe("trtllm-node serve", () => {
  it("serves until SIGTERM, lets what runs end, and exits with 0", async () => {
    const served = runCli(["serve", modelPath(), "--port", "0", "--model-name", "m", "--api-key-file", keys]);
    const [, url] = /Serving m on (http:\/\/127\.0\.0\.1:\d+\/v1)/.exec(
      await heard(served.stdout, /\/v1\n/),
    )!;
    expect((await fetch(`${url}/models`)).status).toBe(401);
    // What a page of another site sends whose name was made to lead here.
    expect(await statusOf(url!, { host: "other.example" })).toBe(403);
    const headers = { authorization: "Bearer sk-one-key-of-a-test", "content-type": "application/json" };
    const body = JSON.stringify({
      model: "m",
      prompt: "Once",
      max_tokens: 40,
      ignore_eos: true,
      stream: true,
    });
    const running = await fetch(`${url}/completions`, { method: "POST", headers, body });
    served.kill("SIGTERM");
    expect(await running.text()).toMatch(/"finish_reason":"length".*data: \[DONE\]\n\n$/s);
    const { exitCode, stderr } = await served;
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  it("says what is wrong with the file of keys, and no key", async () => {
    const empty = join(folder, "empty");
    await writeFile(empty, "# none\n");
    const { stderr, exitCode } = await runCli(["serve", modelPath(), "--port", "0", "--api-key-file", empty]);
    expect(stderr).toMatch(/^error \[ERR_INVALID_CONFIG\]: .*holds no API key/);
    expect(exitCode).toBe(1);
  });
});
