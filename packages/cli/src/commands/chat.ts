import { createInterface, type Interface } from "node:readline";
import type { ChatMessage, ChatStream, LLM } from "@trtllm-node/runtime";
import { Command } from "commander";
import { loadEngine } from "../load-engine.ts";
import {
  addExecutorOptions,
  addSamplingOptions,
  type ExecutorFlags,
  type SamplingFlags,
  samplingOptions,
} from "../options.ts";
import { reportError } from "../report-error.ts";

interface ChatFlags extends ExecutorFlags, SamplingFlags {
  readonly system?: string;
}

export function chatCommand(): Command {
  const command = new Command("chat")
    .description("Talk with a model; Ctrl-C stops an answer, /exit or Ctrl-C at the prompt quits")
    .argument("<engine>", "GGUF file or engine directory")
    .option("--system <text>", "system message")
    .action(chat);
  return addExecutorOptions(addSamplingOptions(command));
}

async function chat(engine: string, flags: ChatFlags): Promise<void> {
  await using llm = await loadEngine(engine, flags);
  const terminal = process.stdin.isTTY && process.stdout.isTTY;
  const output = terminal ? { output: process.stdout } : {};
  const input = createInterface({ input: process.stdin, ...output, terminal, prompt: "> " });
  const conversation = new Conversation(llm, flags);

  const interrupted = () => {
    if (!conversation.stop()) input.close();
  };
  // A terminal in raw mode reports Ctrl-C to readline; otherwise it comes as a signal.
  input.on("SIGINT", interrupted);
  process.on("SIGINT", interrupted);
  try {
    await converse(input, conversation);
  } finally {
    process.off("SIGINT", interrupted);
    input.close();
  }
}

async function converse(input: Interface, conversation: Conversation): Promise<void> {
  input.prompt();
  for await (const line of input) {
    const message = line.trim();
    if (message === "/exit") break;
    if (message !== "") await conversation.say(message);
    input.prompt();
  }
}

/** The messages so far, and the answer that is being given. */
class Conversation {
  readonly #llm: LLM;
  readonly #flags: ChatFlags;
  readonly #messages: ChatMessage[] = [];
  #answer: ChatStream | undefined;

  constructor(llm: LLM, flags: ChatFlags) {
    this.#llm = llm;
    this.#flags = flags;
    if (flags.system !== undefined) this.#messages.push({ role: "system", content: flags.system });
  }

  /** Prints the answer as it comes. A message that fails is reported and forgotten. */
  async say(content: string): Promise<void> {
    this.#messages.push({ role: "user", content });
    try {
      this.#answer = this.#llm.chat(this.#messages, samplingOptions(this.#flags));
      const { result } = this.#answer;
      for await (const text of this.#answer.textStream) process.stdout.write(text);
      process.stdout.write("\n");
      this.#messages.push((await result).message);
    } catch (error) {
      process.exitCode = reportError(error);
      this.#messages.pop();
    } finally {
      this.#answer = undefined;
    }
  }

  /** Ends the answer early. False where none is running, or it was asked before. */
  stop(): boolean {
    if (this.#answer === undefined) return false;
    this.#answer.cancel();
    this.#answer = undefined;
    return true;
  }
}
