import { ConfigError, type ExecutorLike, type LoraAdapters, UnsupportedError } from "@trtllm-node/core";

/** The adapters of an executor that takes none. */
const none: LoraAdapters = {
  names: [],
  async load() {
    throw new UnsupportedError("This executor takes no LoRA adapters.");
  },
  unload(name) {
    throw new ConfigError(`There is no LoRA adapter ${JSON.stringify(name)}: this executor takes none.`);
  },
};

export function adaptersOf({ lora = none }: ExecutorLike): LoraAdapters {
  return lora;
}
