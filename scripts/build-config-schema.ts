/** Writes packages/engine-builder/build-config.schema.json from the schema in the code. Run: npm run generate:build-schema */
import { writeFile } from "node:fs/promises";
import { buildConfigJsonSchema } from "@trtllm-node/engine-builder";

const file = new URL("../packages/engine-builder/build-config.schema.json", import.meta.url);
await writeFile(file, `${JSON.stringify(buildConfigJsonSchema(), undefined, 2)}\n`);
