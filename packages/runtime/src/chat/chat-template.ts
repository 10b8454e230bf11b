import { Template } from "@huggingface/jinja";
import { ChatTemplateError } from "../errors.ts";
import type { ChatMessage } from "./chat-message.ts";

export interface ChatTemplateTokens {
  readonly bosToken: string;
  readonly eosToken: string;
}

/** A model's own way to write a conversation, compiled once. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #tokens: ChatTemplateTokens;

  /** @throws ChatTemplateError: the source is no Jinja template */
  constructor(source: string, tokens: ChatTemplateTokens) {
    this.#tokens = tokens;
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw new ChatTemplateError(
        `The model's chat template does not compile: ${(error as Error).message}. ` +
          "Put a corrected chat_template.jinja into the engine directory.",
        { cause: error },
      );
    }
  }

  /**
   * The conversation up to where the model's answer begins.
   * @throws ChatTemplateError: the template refuses these messages, for example a role that it does not know
   */
  render(messages: readonly ChatMessage[]): string {
    const { bosToken, eosToken } = this.#tokens;
    try {
      return this.#template.render({
        messages,
        add_generation_prompt: true,
        bos_token: bosToken,
        eos_token: eosToken,
      });
    } catch (error) {
      throw new ChatTemplateError(
        `The model's chat template refused the messages: ${(error as Error).message}. ` +
          "Check the roles and their order, or put another chat_template.jinja into the engine directory.",
        { cause: error },
      );
    }
  }
}
