import { ChatTemplateError } from "../errors.ts";
import type { TemplateMessage } from "./template-messages.ts";
import { TemplateProgram } from "./template-program.ts";

export interface ChatTemplateTokens {
  readonly bosToken: string;
  readonly eosToken: string;
}

export interface RenderOptions {
  /** End where the model's answer begins, not behind the last message. */
  readonly addGenerationPrompt: boolean;
  readonly tools?: readonly object[] | undefined;
  /** What else this template knows, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** A model's own way to write a conversation, compiled once. */
export class ChatTemplate {
  readonly #template: TemplateProgram;
  readonly #tokens: ChatTemplateTokens;

  /** @throws ChatTemplateError: the source is no Jinja template */
  constructor(source: string, tokens: ChatTemplateTokens) {
    this.#tokens = tokens;
    try {
      this.#template = new TemplateProgram(source);
    } catch (error) {
      throw new ChatTemplateError(
        `The model's chat template does not compile: ${(error as Error).message}. ` +
          "Put a corrected chat_template.jinja into the engine directory.",
        { cause: error },
      );
    }
  }

  /** @throws ChatTemplateError: the template refuses these messages, for example a role that it does not know */
  render(messages: readonly TemplateMessage[], options: RenderOptions): string {
    const { bosToken, eosToken } = this.#tokens;
    const { addGenerationPrompt, tools, variables } = options;
    try {
      return this.#template.run({
        ...variables,
        messages,
        // What is not given is None to a template, as in transformers.
        tools: tools ?? null,
        documents: variables?.documents ?? null,
        add_generation_prompt: addGenerationPrompt,
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
