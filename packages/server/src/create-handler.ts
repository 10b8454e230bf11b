import { randomUUID } from "node:crypto";
import type { LLM } from "@trtllm-node/runtime";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { ApiError, toApiError, unavailable } from "./api-error.ts";
import { chatCompletions } from "./chat/chat-completions.ts";
import { completions } from "./completion/completions.ts";
import type { Generation } from "./generation.ts";
import { checkOptions, type HandlerOptions } from "./handler-options.ts";
import { Admission } from "./http/admission.ts";
import { ApiKeys } from "./http/api-keys.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";
import { readJson } from "./request/parse-request.ts";
import { ServedModels } from "./served-models.ts";
import { detokenize, tokenize } from "./tokenize.ts";

/** Answers requests as OpenAI's API does. */
export interface Handler {
  (request: Request): Promise<Response>;
  /**
   * From now on nothing is let in, and the server is not ready; resolves once all that runs has been answered. The
   * models stay yours to dispose.
   */
  close(): Promise<void>;
}

type Env = { Variables: { key: string; requestId: string } };
type Route = (context: Context<Env>) => Response | Promise<Response>;

const defaultMaxBodyBytes = 4 * 1024 * 1024;

/**
 * An HTTP server without the server: what takes a web `Request` and gives a `Response`, to mount in any framework.
 * @param models a model, served by its engine's name; or models by the names they are to have
 * @throws ConfigError: an option is not valid
 */
export function createHandler(
  models: LLM | Readonly<Record<string, LLM>>,
  options: HandlerOptions = {},
): Handler {
  const checked = checkOptions(options);
  const {
    basePath = "",
    maxBodyBytes = defaultMaxBodyBytes,
    corsOrigins,
    metricsPrefix = "trtllm_",
  } = checked;
  const served = new ServedModels(models);
  const keys = new ApiKeys(checked.apiKeys);
  const admission = new Admission(checked.maxConcurrentPerKey);
  const metrics = new ServerMetrics(served.all, metricsPrefix);
  const report = (error: unknown, requestId: string) => {
    const { status, cause } = toApiError(error);
    if (status >= 500) checked.onError?.(cause ?? error, requestId);
  };

  /** @param input the field that holds the prompt */
  const generate = (input: string, answer: (generation: Generation) => Promise<Response>): Route => {
    return async ({ req, var: { key, requestId } }) => {
      const body = await readJson(req.raw);
      const call = admission.enter(key, req.raw.signal);
      try {
        const limits = { maxTokens: checked.maxTokens };
        return await answer({
          body,
          models: served,
          call,
          limits,
          onError: (error) => report(error, requestId),
        });
      } catch (error) {
        // Some of several choices may run.
        call.abort();
        call.end();
        throw toApiError(error, input);
      }
    };
  };

  const app = new Hono<Env>().basePath(basePath);
  app.use(async (context, next) => {
    context.set("requestId", `req_${randomUUID()}`);
    await next();
    context.header("x-request-id", context.var.requestId);
  });
  if (corsOrigins !== undefined) app.use(cors({ origin: corsOrigins, exposeHeaders: ["x-request-id"] }));
  app.use(async (context, next) => {
    // Whoever watches over the process has no key.
    if (!context.req.path.startsWith(`${basePath}/health/`)) {
      context.set("key", keys.check(context.req.header("authorization")));
    }
    await next();
  });
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: () => tooLarge(maxBodyBytes) }));

  const routes: [method: "GET" | "POST", path: string, route: Route][] = [
    ["POST", "/v1/chat/completions", generate("messages", chatCompletions)],
    ["POST", "/v1/completions", generate("prompt", completions)],
    ["GET", "/v1/models", () => Response.json(served.list())],
    // Names may hold slashes.
    [
      "GET",
      "/v1/models/:name{.+}",
      ({ req }) => Response.json(served.describe(served.get(req.param("name")))),
    ],
    [
      "POST",
      "/tokenize",
      async ({ req }) => {
        return Response.json(await tokenize(await readJson(req.raw), served, req.raw.signal));
      },
    ],
    [
      "POST",
      "/detokenize",
      async ({ req }) => Response.json(await detokenize(await readJson(req.raw), served)),
    ],
    ["GET", "/health/live", () => Response.json({ status: "live" })],
    [
      "GET",
      "/health/ready",
      () => {
        if (!admission.open) throw unavailable("The server is shutting down.");
        return Response.json({ status: "ready" });
      },
    ],
    [
      "GET",
      "/metrics",
      async () => {
        return new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } });
      },
    ],
  ];
  for (const [method, path, route] of routes) {
    app.on(method, path, route);
    app.all(path, (context) => notAllowed(context, method));
  }
  app.notFound(({ req }) => {
    const message = `Unknown request URL: ${req.method} ${req.path}. Please check the URL for typos.`;
    return new ApiError(404, message, { code: "unknown_url" }).response();
  });
  app.onError((error, { var: { requestId } }) => {
    report(error, requestId);
    return toApiError(error).response();
  });

  const handler = async (request: Request) => app.fetch(request);
  return Object.assign(handler, {
    async close() {
      await admission.close();
      metrics.close();
    },
  });
}

function notAllowed({ req }: Context, allow: string): Response {
  const message = `Not allowed to ${req.method} on ${req.path}. Use ${allow}.`;
  return new ApiError(405, message, { code: "method_not_supported", headers: { allow } }).response();
}

function tooLarge(limit: number): Response {
  const message = `The body of the request is larger than ${limit} bytes.`;
  return new ApiError(413, message, { code: "request_too_large" }).response();
}
