import { type PullProgress, pullModel } from "@trtllm-node/engine-builder";
import { Command } from "commander";
import { formatBytes } from "../format-bytes.ts";

interface PullFlags {
  readonly endpoint?: string;
}

export function pullCommand(): Command {
  return new Command("pull")
    .description("Fetch a model from the Hugging Face hub, and print where it is; an interrupted one resumes")
    .argument("<model>", "owner/name or owner/name@revision; HF_TOKEN opens private and gated ones")
    .argument("[folder]", "directory to make; default: one below the user's cache folder")
    .option("--endpoint <url>", "default: HF_ENDPOINT, else https://huggingface.co")
    .action(pull);
}

async function pull(model: string, output: string | undefined, { endpoint }: PullFlags): Promise<void> {
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  const onProgress = process.stderr.isTTY ? drawLine : undefined;
  try {
    const { path } = await pullModel(model, { output, endpoint, onProgress, signal: interrupt.signal });
    process.stdout.write(`${path}\n`);
  } finally {
    if (onProgress) process.stderr.write("\r\x1b[2K");
  }
}

function drawLine({ file, bytes, totalBytes }: PullProgress): void {
  const text = `${formatBytes(bytes)} of ${formatBytes(totalBytes)}: ${file}`;
  process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}
