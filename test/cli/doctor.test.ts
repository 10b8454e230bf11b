import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";

describe("trtllm-node doctor", () => {
  it("lists what is there, with versions, as JSON", async () => {
    const { exitCode, stdout } = await runCli(["doctor", "--json"]);
    const { ok, checks } = JSON.parse(stdout);
    expect(ok).toBe(true);
    expect(exitCode).toBe(0);
    expect(checks).toContainEqual({ name: "Node", ok: true, required: true, detail: process.versions.node });
    expect(checks).toContainEqual(
      expect.objectContaining({
        name: "Native library",
        ok: true,
        detail: expect.stringMatching(/embedded.*llama/),
      }),
    );
  });

  it("gives each thing that is missing the command that fixes it", async () => {
    const { stdout } = await runCli(["doctor", "--json"], { env: { PATH: "" } });
    for (const { ok, fix } of JSON.parse(stdout).checks) expect(typeof fix).toBe(ok ? "undefined" : "string");
  });

  it("fails, and says how to put it right, where the native library is missing", async () => {
    const { exitCode, stdout } = await runCli(["doctor"], {
      env: { TRTLLM_NODE_LIBRARY: "no-such-library.so" },
    });
    expect(stdout).toMatch(/✗ Native library .*no-such-library\.so.*\n +→ npm run setup/);
    expect(exitCode).toBe(1);
  });
});
