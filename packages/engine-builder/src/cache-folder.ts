import { homedir } from "node:os";
import { join } from "node:path";

/** Where what can be fetched again is kept: `trtllm-node` below XDG_CACHE_HOME. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "trtllm-node");
}
