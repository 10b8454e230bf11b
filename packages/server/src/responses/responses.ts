import { randomUUID } from "node:crypto";
import type { ChatMessage } from "@trtllm-node/runtime";
import type { Generation } from "../generation.ts";
import { eventStream } from "../http/event-stream.ts";
import { refuseUnsupported, seedOf } from "../request/generation-fields.ts";
import { parseRequest } from "../request/parse-request.ts";
import {
  type ResponsesRequest,
  responsesSchema,
  unsupportedInResponses,
} from "../request/responses-request.ts";
import { inputMessages } from "./input.ts";
import type { OutputEvent } from "./output-items.ts";
import { ResponseEvents } from "./response-events.ts";
import { begunResponse } from "./response-object.ts";
import { responseOptions } from "./response-options.ts";
import type { StoredResponses } from "./stored-responses.ts";

/** POST /v1/responses */
export async function responses(
  { key, body, models, call, limits, onError }: Generation,
  stored: StoredResponses,
): Promise<Response> {
  refuseUnsupported(body, unsupportedInResponses);
  const request = parseRequest(responsesSchema, body);
  const { name: model, llm, lora } = models.get(request.model);
  const keeps = stored.keeps(request.store);
  const said = [...stored.before(key, request.previous_response_id), ...inputMessages(request)];
  const chat = llm.chat(instructed(said, request), {
    ...responseOptions(request, llm, limits.maxTokens),
    lora,
    seed: seedOf(request),
    signal: call.signal,
  });
  const begun = begunResponse(request, {
    id: `resp_${randomUUID().replaceAll("-", "")}`,
    created: Math.floor(Date.now() / 1000),
    model,
    stored: keeps,
  });
  const events = new ResponseEvents(begun, chat, llm.tokenizer);
  const all = endingCall(
    events.all((response, message) => {
      if (keeps) stored.add(key, { response, messages: [...said, message] });
    }),
    call,
  );
  if (request.stream) return eventStream(all, events.format(), { cancel: () => call.abort(), onError });
  let last: OutputEvent | undefined;
  for await (const event of all) last = event;
  return Response.json(last!.response);
}

/** Instructions hold for one response: those of earlier ones are not kept. */
function instructed(
  messages: readonly ChatMessage[],
  { instructions }: ResponsesRequest,
): readonly ChatMessage[] {
  return instructions ? [{ role: "system", content: instructions }, ...messages] : messages;
}

async function* endingCall(
  events: AsyncGenerator<OutputEvent, undefined>,
  call: Generation["call"],
): AsyncGenerator<OutputEvent, undefined> {
  try {
    yield* events;
  } finally {
    call.abort();
    call.end();
  }
}
