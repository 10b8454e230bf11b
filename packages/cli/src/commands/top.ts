import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "@trtllm-node/core";
import type { LiveSnapshot } from "@trtllm-node/telemetry";
import { Command } from "commander";
import { wholeNumber } from "../number-arguments.ts";
import { readApiKeys } from "../read-api-keys.ts";
import { renderTop, type ScreenSize } from "../top/render-top.ts";

interface TopFlags {
  readonly interval: number;
  readonly apiKeyFile?: string;
  readonly once?: true;
  readonly json?: true;
}

export function topCommand(): Command {
  return new Command("top")
    .description("Watch a server that `trtllm-node serve` runs: batch, queue, KV cache, latencies, requests")
    .argument("[url]", "where it is; with the base path where it has one", "http://127.0.0.1:8000")
    .option("--interval <ms>", "milliseconds between two looks", wholeNumber({ min: 100 }), 1000)
    .option("--api-key-file <path>", "file whose first line is an API key of the server")
    .option("--once", "print one screen and end")
    .option("--json", "print one JSON object and end")
    .action(top);
}

async function top(url: string, flags: TopFlags): Promise<void> {
  const [key] = flags.apiKeyFile === undefined ? [] : await readApiKeys(flags.apiKeyFile);
  const { columns } = screenSize();
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(await look(url, key))}\n`);
    return;
  }
  if (flags.once || !process.stdout.isTTY) {
    const lines = renderTop(await look(url, key), url, { columns, rows: Number.POSITIVE_INFINITY });
    process.stdout.write(`${lines.join("\n")}\n`);
    return;
  }
  await watch(url, key, flags.interval);
}

/** Until Ctrl-C or q. */
async function watch(url: string, key: string | undefined, intervalMs: number): Promise<void> {
  const { stdin, stdout } = process;
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  stdin.setRawMode?.(true);
  stdin.on("data", (bytes: Buffer) => {
    if (["q", "\u0003"].includes(bytes.toString())) end();
  });
  // The other screen, without a cursor.
  stdout.write("\u001b[?1049h\u001b[?25l");
  try {
    while (!ending.signal.aborted) {
      const { columns, rows } = screenSize();
      const lines = renderTop(await look(url, key), url, { columns, rows: rows - 1 });
      // From the corner on, each line cleared behind its text, then all below.
      stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K\r\n`).join("")}\u001b[J`);
      await sleep(intervalMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  } finally {
    stdout.write("\u001b[?25h\u001b[?1049l");
    stdin.setRawMode?.(false);
    stdin.pause();
  }
}

/** Some terminals say that they have no columns and no rows. */
function screenSize(): ScreenSize {
  const { columns, rows } = process.stdout;
  return { columns: columns || 120, rows: rows || 40 };
}

async function look(url: string, key: string | undefined): Promise<LiveSnapshot> {
  const address = `${url.replace(/\/+$/, "")}/dashboard/live`;
  let response: Response;
  try {
    response = await fetch(address, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });
  } catch (cause) {
    throw new ConfigError(`${address} does not answer. Is the server running there?`, { cause });
  }
  if (response.ok) return (await response.json()) as LiveSnapshot;
  const hint = response.status === 401 ? "Pass --api-key-file." : "Pass the address of a trtllm-node server.";
  throw new ConfigError(`${address} answers with status ${response.status}. ${hint}`);
}
