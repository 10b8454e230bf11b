import { randomUUID } from "node:crypto";
import type { LLM } from "@trtllm-node/runtime";
import { LiveView, PrometheusMetrics } from "@trtllm-node/telemetry";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { ApiError, toApiError } from "./api-error.ts";
import { isDashboardFile } from "./dashboard-files.ts";
import type { Generation } from "./generation.ts";
import { checkOptions, type HandlerOptions } from "./handler-options.ts";
import { Admission } from "./http/admission.ts";
import { AllowedHosts } from "./http/allowed-hosts.ts";
import { ApiKeys } from "./http/api-keys.ts";
import { readJson } from "./request/parse-request.ts";
import { StoredResponses } from "./responses/stored-responses.ts";
import { type Env, type Route, routesOf } from "./routes.ts";
import { ServedModels } from "./served-models.ts";

/** Answers requests as OpenAI's API does. */
export interface Handler {
  (request: Request): Promise<Response>;
  /**
   * From now on nothing is let in, and the server is not ready; resolves once all that runs has been answered. The
   * models stay yours to dispose.
   */
  close(): Promise<void>;
}

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
    maxStoredResponses = 0,
  } = checked;
  const served = new ServedModels(models);
  const hosts = new AllowedHosts(checked.allowedHosts);
  const keys = new ApiKeys(checked.apiKeys);
  const admission = new Admission(checked.maxConcurrentPerKey);
  const metrics = new PrometheusMetrics(served.byName, { prefix: metricsPrefix });
  const live = new LiveView(served.byName);
  const report = (error: unknown, requestId: string) => {
    const { status, cause } = toApiError(error);
    if (status >= 500) checked.onError?.(cause ?? error, requestId);
  };

  const generate = (input: string, answer: (generation: Generation) => Promise<Response>): Route => {
    return async ({ req, var: { key, requestId } }) => {
      const body = await readJson(req.raw);
      const call = admission.enter(key, req.raw.signal);
      try {
        const limits = { maxTokens: checked.maxTokens };
        return await answer({
          key,
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
  app.use(async ({ req }, next) => {
    hosts.check(req.raw);
    await next();
  });
  if (corsOrigins !== undefined) app.use(cors({ origin: corsOrigins, exposeHeaders: ["x-request-id"] }));
  app.use(async (context, next) => {
    if (!needsNoKey(context.req.path.slice(basePath.length))) {
      context.set("key", keys.check(context.req.header("authorization")));
    }
    await next();
  });
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: () => tooLarge(maxBodyBytes) }));

  const stored = new StoredResponses(maxStoredResponses);
  const routes = routesOf({ models: served, admission, metrics, live, stored, generate });
  for (const [path, methods] of Object.entries(routes)) {
    for (const [method, route] of Object.entries(methods)) app.on(method, path, route);
    app.all(path, (context) => notAllowed(context, Object.keys(methods)));
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
      live.close();
    },
  });
}

/** Whoever watches over the process has no key, and neither has a browser before it has loaded the dashboard. */
function needsNoKey(path: string): boolean {
  return (
    path.startsWith("/health/") || path === "/dashboard" || isDashboardFile(path.replace("/dashboard/", ""))
  );
}

function notAllowed({ req }: Context, allowed: readonly string[]): Response {
  const message = `Not allowed to ${req.method} on ${req.path}. Use ${allowed.join(" or ")}.`;
  const headers = { allow: allowed.join(", ") };
  return new ApiError(405, message, { code: "method_not_supported", headers }).response();
}

function tooLarge(limit: number): Response {
  const message = `The body of the request is larger than ${limit} bytes.`;
  return new ApiError(413, message, { code: "request_too_large" }).response();
}
