/** Builds as told by JSON in argv[2], prints every event as JSON, and kills itself at event number argv[3]. */
import { buildEngine } from "@trtllm-node/engine-builder";
import { standIns } from "./tools.ts";

const [config = "", killAt = ""] = process.argv.slice(2);
let events = 0;
await buildEngine(JSON.parse(config), {
  tools: standIns,
  onEvent: (event) => {
    if (killAt !== "" && events === Number(killAt)) process.kill(process.pid, "SIGKILL");
    events++;
    process.stdout.write(`${JSON.stringify(event)}\n`);
  },
});
