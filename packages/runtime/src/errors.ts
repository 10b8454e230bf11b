import { TrtllmError } from "@trtllm-node/core";

/** The engine has no usable tokenizer, or its tokenizer files are broken or belong to another model. */
export class TokenizerError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_TOKENIZER", message, options);
  }
  override get name() {
    return "TokenizerError";
  }
}

/** The model has no chat template, or the template refused the messages. */
export class ChatTemplateError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_CHAT_TEMPLATE", message, options);
  }
  override get name() {
    return "ChatTemplateError";
  }
}

/** The session is still giving an answer. */
export class SessionBusyError extends TrtllmError {
  constructor(options?: ErrorOptions) {
    super(
      "ERR_SESSION_BUSY",
      "The session is still giving an answer. Await it or cancel it first, have sends wait with " +
        'whileBusy: "queue", or ask on a fork().',
      options,
    );
  }
  override get name() {
    return "SessionBusyError";
  }
}

/** What the model wrote is not the object that was asked for; `code` says why, `text` holds it. */
export class ObjectError extends TrtllmError {
  declare readonly code: "ERR_OBJECT_INCOMPLETE" | "ERR_OBJECT_INVALID";
  readonly text: string;

  constructor(code: ObjectError["code"], message: string, text: string, options?: ErrorOptions) {
    super(code, message, options);
    this.text = text;
  }
  override get name() {
    return "ObjectError";
  }
}
