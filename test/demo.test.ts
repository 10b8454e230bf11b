import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = ["--import", "tsx", "--conditions=@trtllm-node/source", "scripts/demo.ts"];

it("the demo runs eight requests in turns and reports each of them", async () => {
  const { stdout } = await execa(process.execPath, command, { cwd: root });
  const rows = stdout.split("\n").filter((line) => /│ +[A-H] │ +\d+ │ +64 │/.test(line));
  expect(rows).toHaveLength(8);
  expect(stdout).toMatch(/by request: (?=.*A)(?=.*B)(?=.*C)(?=.*D)(?=.*E)(?=.*F)(?=.*G)(?=.*H)\w+ …/);
  expect(stdout).toMatch(
    /8 requests, 512 new tokens in [\d.]+ s: \d+ tokens\/s together; at most [1-9]\d* of \d+/,
  );
});
