import { ConfigError } from "@trtllm-node/core";
import { z } from "zod";

const count = z.int().min(1);

const schema = z.strictObject({
  /** Path under which the routes lie, such as "/api/llm". Default: "". */
  basePath: z
    .string()
    .regex(/^(\/[^/]+)*$/, 'Expected "" or a path such as "/api/llm"')
    .optional(),
  /** Whoever has one of these may use the server. Default: anybody may. */
  apiKeys: z.array(z.string().min(16)).min(1).optional(),
  /** Bytes of a request's body. Default: 4 MiB. */
  maxBodyBytes: count.optional(),
  /** Most tokens of an answer, and how many a chat may have that asks for none. Default: what the engine has room for. */
  maxTokens: count.optional(),
  /** Most requests of one API key that run at once; without keys, of all together. Default: no limit. */
  maxConcurrentPerKey: count.optional(),
  /**
   * Names by which the server may be reached, as they stand in URLs: "localhost", "[::1]". Others are refused, which
   * keeps out pages of other sites whose name was made to lead here. Default: any.
   */
  allowedHosts: z.array(z.string().min(1)).min(1).optional(),
  /**
   * How many answers of /v1/responses are kept in memory, with what was said before them, to be fetched or gone on
   * from (`previous_response_id`); those used least lately are dropped first. Default: 0, none.
   */
  maxStoredResponses: z.int().min(0).optional(),
  /** Web sites whose pages may call the server, such as "https://example.org". Default: none. */
  corsOrigins: z.array(z.string()).optional(),
  /** Of the names of all metrics; "vllm:" and "" give those of vLLM and NIM. Default: "trtllm_". */
  metricsPrefix: z
    .string()
    .regex(/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/, "Expected letters, digits, _ and :")
    .optional(),
  /** Told of what is not the client's fault, and the `x-request-id` of its response. Default: nobody. */
  onError: z
    .custom<(error: unknown, requestId: string) => void>((value) => typeof value === "function")
    .optional(),
});

export interface HandlerOptions extends z.input<typeof schema> {}

/** @throws ConfigError */
export function checkOptions(options: HandlerOptions): HandlerOptions {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  // Zod's message holds no values, which here may be keys.
  const wrong = result.error.issues.map(({ path, message }) => `${path.join(".") || "options"}: ${message}.`);
  throw new ConfigError(`The server's options are not valid. ${wrong.join(" ")}`);
}
