import { TrtllmError } from "@trtllm-node/core";

/** A traffic file or trace cannot be read, or does not hold what is asked of it. */
export class TrafficError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_TRAFFIC_INVALID", message, options);
  }
  override get name() {
    return "TrafficError";
  }
}

/** There is too little evidence for a recommendation; the message says what is missing. */
export class NotConfidentError extends TrtllmError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_NOT_CONFIDENT", message, options);
  }
  override get name() {
    return "NotConfidentError";
  }
}
