import type { LiveView, PrometheusMetrics } from "@trtllm-node/telemetry";
import type { Context } from "hono";
import { unavailable } from "./api-error.ts";
import { chatCompletions } from "./chat/chat-completions.ts";
import { completions } from "./completion/completions.ts";
import { dashboardFile } from "./dashboard-files.ts";
import { embeddings } from "./embeddings.ts";
import type { Generation } from "./generation.ts";
import type { Admission } from "./http/admission.ts";
import { readJson } from "./request/parse-request.ts";
import { responses } from "./responses/responses.ts";
import type { StoredResponses } from "./responses/stored-responses.ts";
import type { ServedModels } from "./served-models.ts";
import { detokenize, tokenize } from "./tokenize.ts";

/** What is known of a request before its route is. */
export type Env = { Variables: { key: string; requestId: string } };
export type Route = (context: Context<Env>) => Response | Promise<Response>;
export type Method = "GET" | "POST" | "DELETE";

interface Parts {
  readonly models: ServedModels;
  readonly admission: Admission;
  readonly metrics: PrometheusMetrics;
  readonly live: LiveView;
  readonly stored: StoredResponses;
  /** A route whose requests run on a model. @param input the field that holds the prompt */
  readonly generate: (input: string, answer: (generation: Generation) => Promise<Response>) => Route;
}

/** By path, then by method. */
export function routesOf({
  models,
  admission,
  metrics,
  live,
  stored,
  generate,
}: Parts): Readonly<Record<string, Partial<Record<Method, Route>>>> {
  const json =
    (answer: (context: Context<Env>) => object | Promise<object>): Route =>
    async (context) =>
      Response.json(await answer(context));
  return {
    "/v1/chat/completions": { POST: generate("messages", chatCompletions) },
    "/v1/completions": { POST: generate("prompt", completions) },
    "/v1/responses": { POST: generate("input", (generation) => responses(generation, stored)) },
    "/v1/responses/:id": {
      GET: json(({ req, var: { key } }) => stored.get(key, req.param("id")!)),
      DELETE: json(({ req, var: { key } }) => stored.delete(key, req.param("id")!)),
    },
    "/v1/embeddings": { POST: json(async ({ req }) => embeddings(await readJson(req.raw), models)) },
    "/v1/models": { GET: json(() => models.list()) },
    // Names may hold slashes.
    "/v1/models/:name{.+}": { GET: json(({ req }) => models.describe(models.get(req.param("name")))) },
    "/tokenize": {
      POST: json(async ({ req }) => tokenize(await readJson(req.raw), models, req.raw.signal)),
    },
    "/detokenize": { POST: json(async ({ req }) => detokenize(await readJson(req.raw), models)) },
    "/health/live": { GET: json(() => ({ status: "live" })) },
    "/health/ready": {
      GET: json(() => {
        if (!admission.open) throw unavailable("The server is shutting down.");
        return { status: "ready" };
      }),
    },
    "/dashboard": { GET: () => dashboardFile("") },
    "/dashboard/live": { GET: json(() => live.snapshot()) },
    "/dashboard/:file": { GET: ({ req }) => dashboardFile(req.param("file")!) },
    "/metrics": {
      GET: async () => {
        return new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } });
      },
    },
  };
}
