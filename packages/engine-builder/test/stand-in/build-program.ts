/** Builds as told by JSON in argv[2], prints every event as JSON, and kills itself at the event that argv[3] is. */
import { buildEngine } from "@trtllm-node/engine-builder";
import { standIns } from "./tools.ts";

const [config = "", killAt] = process.argv.slice(2);
await buildEngine(JSON.parse(config), {
  tools: standIns,
  onEvent: (event) => {
    const text = JSON.stringify(event);
    if (text === killAt) process.kill(process.pid, "SIGKILL");
    process.stdout.write(`${text}\n`);
  },
});
