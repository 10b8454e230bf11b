import { TrafficError } from "../errors.ts";
import { parseJsonLine } from "../traffic/read-lines.ts";
import type { TrafficRequest } from "../traffic/traffic-request.ts";
import { numberField } from "./field.ts";
import type { ImportFormat } from "./import-format.ts";

type Json = Record<string, unknown>;

/**
 * Logged answers of OpenAI's API, one JSON object a line, as they came or as in a batch's output (`response.body`). The
 * time is `created`, in seconds.
 */
export const openAiLog: ImportFormat = {
  name: "openai",
  matches: (first) => first.startsWith("{") && first.includes('"usage"'),
  async *read(lines, path) {
    for await (const line of lines) {
      const answer = body(parseJsonLine(line, path));
      const usage = object(answer.usage);
      if (usage === undefined) {
        throw new TrafficError(
          `${path}, line ${line.number} has no usage. Expected a logged answer of OpenAI's API.`,
        );
      }
      const number = (value: unknown, name: string) => numberField(value, name, line, path);
      const created = answer.created ?? answer.created_at;
      const details = object(usage.prompt_tokens_details) ?? object(usage.input_tokens_details);
      const choices = answer.choices as Json[] | undefined;
      yield {
        arrivalMs: number(created, "created") * 1000,
        promptTokens: number(usage.prompt_tokens ?? usage.input_tokens, "usage.prompt_tokens"),
        completionTokens: number(usage.completion_tokens ?? usage.output_tokens, "usage.completion_tokens"),
        ...(details?.cached_tokens !== undefined && {
          cachedPromptTokens: number(details.cached_tokens, "cached_tokens"),
        }),
        ...outcome(choices?.[0]?.finish_reason),
      };
    }
  },
};

function body(line: Json): Json {
  return object(object(line.response)?.body) ?? object(line.response) ?? line;
}

function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function outcome(finishReason: unknown): Pick<TrafficRequest, "outcome"> {
  if (finishReason === "length") return { outcome: "length" };
  return typeof finishReason === "string" ? { outcome: "end" } : {};
}
