/** Installs ModelOpt as `trtllm-node doctor --fix` does. */
import { installModelOpt } from "@trtllm-node/engine-builder";

console.log(await installModelOpt({ onLine: (line) => console.log(line) }));
