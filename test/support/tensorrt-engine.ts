import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SyntheticScript } from "./synthetic.ts";

export interface TensorrtEngine {
  /** Default: 1.2.0. */
  readonly version?: string;
  /** Default: 1 of each. */
  readonly mapping?: { readonly tp_size?: number; readonly pp_size?: number; readonly cp_size?: number };
  /** What each rank does. */
  readonly script?: SyntheticScript;
}

/** An engine directory as trtllm-build makes it, but for its rank files, which are scripts of the synthetic executor. */
export async function writeTensorrtEngine(
  folder: string,
  { version = "1.2.0", mapping = {}, script = {} }: TensorrtEngine = {},
): Promise<string> {
  const { tp_size = 1, pp_size = 1, cp_size = 1 } = mapping;
  await mkdir(folder, { recursive: true });
  const config = {
    version,
    pretrained_config: {
      architecture: "LlamaForCausalLM",
      dtype: "float16",
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      hidden_size: 64,
      vocab_size: 1000,
      mapping: { tp_size, pp_size, cp_size },
    },
    build_config: {
      max_batch_size: 4,
      max_beam_width: 1,
      max_seq_len: 256,
      max_num_tokens: 128,
      plugin_config: { tokens_per_block: 16 },
    },
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  for (let rank = 0; rank < tp_size * pp_size * cp_size; rank++) {
    await writeFile(join(folder, `rank${rank}.engine`), JSON.stringify(script));
  }
  return folder;
}
