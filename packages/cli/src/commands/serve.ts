import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { createHandler } from "@trtllm-node/server";
import { TrafficRecorder } from "@trtllm-node/tuning";
import { Command } from "commander";
import { loadEngine } from "../load-engine.ts";
import { wholeNumber } from "../number-arguments.ts";
import { addExecutorOptions, type ExecutorFlags } from "../options.ts";
import { readApiKeys } from "../read-api-keys.ts";

interface ServeFlags extends ExecutorFlags {
  readonly host: string;
  readonly port: number;
  readonly modelName?: string;
  readonly apiKeyFile?: string;
  readonly maxTokens?: number;
  readonly maxConcurrentPerKey?: number;
  readonly allowedHost?: string[];
  readonly maxStoredResponses?: number;
  readonly corsOrigin?: string[];
  readonly metricsPrefix?: string;
  readonly record?: string;
}

/** What the dashboard shows of requests and of the KV cache. */
const shown = { requestStatsMaxIterations: 1, kvCache: { eventBufferMaxSize: 10_000 } };

const lastBytesMs = 5000;
const loopbackHosts = ["127.0.0.1", "::1", "localhost"];

export function serveCommand(): Command {
  const command = new Command("serve")
    .description("Serve a model over HTTP, as OpenAI's API does; SIGTERM and Ctrl-C let what runs end first")
    .argument("<engine>", "GGUF file or engine directory")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on, 0 for any", wholeNumber({ min: 0, max: 65_535 }), 8000)
    .option("--model-name <name>", "what requests call the model (default: the engine's name)")
    .option("--api-key-file <path>", "file of API keys, one a line; without it anybody may ask")
    .option("--max-tokens <count>", "most tokens of an answer", wholeNumber({ min: 1 }))
    .option(
      "--max-queue-size <count>",
      "most requests waiting; the next are told 429",
      wholeNumber({ min: 1 }),
    )
    .option("--max-concurrent-per-key <count>", "most requests of a key at once", wholeNumber({ min: 1 }))
    .option("--allowed-host <name...>", "names by which it may be reached (default on loopback: localhost)")
    .option("--max-stored-responses <count>", "answers of /v1/responses to keep", wholeNumber({ min: 0 }))
    .option("--cors-origin <origin...>", "web sites whose pages may ask")
    .option("--metrics-prefix <text>", 'of the names at /metrics (default: "trtllm_")')
    .option("--record <path>", "write a line for each request, without its text, for `trtllm-node analyze`")
    .action(serve);
  return addExecutorOptions(command);
}

async function serve(engine: string, flags: ServeFlags): Promise<void> {
  const { host, port, apiKeyFile, maxTokens, maxConcurrentPerKey, corsOrigin, metricsPrefix } = flags;
  const isLoopback = loopbackHosts.includes(host);
  const apiKeys = apiKeyFile === undefined ? undefined : await readApiKeys(apiKeyFile);
  const interrupt = new AbortController();
  // Once: a second one ends the process at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort());

  await using llm = await loadEngine(engine, flags, interrupt.signal, shown);
  const name = flags.modelName ?? llm.engine.name;
  const handler = createHandler(
    { [name]: llm },
    {
      apiKeys,
      maxTokens,
      maxConcurrentPerKey,
      allowedHosts: flags.allowedHost ?? (isLoopback ? ["localhost", "127.0.0.1", "[::1]"] : undefined),
      maxStoredResponses: flags.maxStoredResponses,
      corsOrigins: corsOrigin,
      metricsPrefix,
      onError: (error, requestId) => process.stderr.write(`${requestId}: ${describe(error)}\n`),
    },
  );
  await using recorder =
    flags.record === undefined
      ? undefined
      : new TrafficRecorder(flags.record, {
          onError: (error) =>
            process.stderr.write(`warning: traffic is no longer recorded: ${error.message}\n`),
        });
  if (recorder !== undefined) llm.observe(recorder.observer);
  const server = createAdaptorServer({ fetch: handler }) as Server;
  server.listen(port, host);
  await once(server, "listening");
  const { port: actual } = server.address() as AddressInfo;
  process.stdout.write(`Serving ${name} on http://${host.includes(":") ? `[${host}]` : host}:${actual}/v1\n`);
  if (apiKeys === undefined && !isLoopback) {
    process.stderr.write("warning: whoever reaches this address may ask. Give --api-key-file.\n");
  }

  if (!interrupt.signal.aborted) await once(interrupt.signal, "abort");
  // Answers meanwhile, so that a load balancer sees that it is no longer ready.
  await handler.close();
  await close(server);
}

/** Lets the last bytes of answers go out, but waits for no client that does not take them. */
async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.keepAliveTimeout = 1;
  server.close();
  const giveUp = setTimeout(() => server.closeAllConnections(), lastBytesMs);
  await closed;
  clearTimeout(giveUp);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
