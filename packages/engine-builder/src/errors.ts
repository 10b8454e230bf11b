import { TrtllmError } from "@trtllm-node/core";

/** The model at `path` is missing, damaged, or of a kind that is not read here; `code` says which. */
export class ModelError extends TrtllmError {
  declare readonly code: "ERR_MODEL_NOT_FOUND" | "ERR_MODEL_CORRUPT" | "ERR_MODEL_UNSUPPORTED";
  readonly path: string;

  constructor(code: ModelError["code"], message: string, path: string, options?: ErrorOptions) {
    super(code, message, options);
    this.path = path;
  }
  override get name() {
    return "ModelError";
  }
}
