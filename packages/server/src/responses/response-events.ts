import type { AssistantMessage, ChatStream, Tokenizer } from "@trtllm-node/runtime";
import { finishReason } from "../answer/choice.ts";
import { TokenTeller } from "../answer/log-probs.ts";
import type { ApiError } from "../api-error.ts";
import type { EventFormat } from "../http/event-stream.ts";
import { type OutputEvent, OutputItems } from "./output-items.ts";
import { endedResponse, failedResponse, type ResponseObject } from "./response-object.ts";

/** One response as it is made. */
export class ResponseEvents {
  readonly #items = new OutputItems();
  readonly #begun: ResponseObject;
  readonly #chat: ChatStream;
  readonly #tokenizer: Tokenizer;

  constructor(begun: ResponseObject, chat: ChatStream, tokenizer: Tokenizer) {
    this.#begun = begun;
    this.#chat = chat;
    this.#tokenizer = tokenizer;
  }

  /** From "response.created", once there is something to tell, to "response.completed" or "response.incomplete". */
  async *all(
    onEnd: (response: ResponseObject, message: AssistantMessage) => void,
  ): AsyncGenerator<OutputEvent, undefined> {
    const parts = this.#chat[Symbol.asyncIterator]();
    let next = await parts.next();
    yield { type: "response.created", response: this.#begun };
    yield { type: "response.in_progress", response: this.#begun };
    const teller = new TokenTeller(this.#tokenizer);
    for (; !next.done; next = await parts.next()) {
      teller.add(next.value.told);
      // Marks and reasoning have no place for theirs.
      yield* this.#items.push(next.value, teller.take());
    }
    const result = await this.#chat.result;
    const status = finishReason(result.finishReason) === "length" ? "incomplete" : "completed";
    yield* this.#items.end(status);
    const tokenizer = this.#tokenizer;
    const response = endedResponse(this.#begun, this.#items.done, result, { status, tokenizer });
    onEnd(response, result.message);
    yield { type: `response.${status}`, response };
  }

  /** Events with names and numbers. Nothing follows the last one. */
  format(): EventFormat<OutputEvent> {
    let sequence_number = 0;
    const named = (event: OutputEvent) => {
      const data = JSON.stringify({ ...event, sequence_number: sequence_number++ });
      return `event: ${event.type}\ndata: ${data}\n\n`;
    };
    return { event: named, error: (error) => this.#failure(error).map(named).join(""), end: "" };
  }

  #failure(error: ApiError): OutputEvent[] {
    const { body } = error;
    return [
      { type: "response.failed", response: failedResponse(this.#begun, this.#items.done, error) },
      // OpenAI's has what is wrong beside its type; its clients throw what is in "error".
      { type: "error", ...body.error, ...body },
    ];
  }
}
