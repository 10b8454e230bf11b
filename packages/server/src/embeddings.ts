import { z } from "zod";
import { parseRequest } from "./request/parse-request.ts";
import type { ServedModels } from "./served-models.ts";

const input = z.union([z.string(), z.array(z.string())], "Expected a text or an array of texts.");
const embeddingsSchema = z.object({ model: z.string(), input });

/** POST /v1/embeddings: says why there are none. */
export async function embeddings(body: unknown, models: ServedModels): Promise<never> {
  const request = parseRequest(embeddingsSchema, body);
  return models.get(request.model).llm.embed(request.input);
}
