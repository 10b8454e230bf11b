import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execaNode } from "execa";
import { expect, it } from "vitest";
import { heard } from "./support/cli.ts";
import { modelPath } from "./support/model.ts";
import { prometheusUnavailable, type Sample, startPrometheus } from "./support/prometheus.ts";

const monitoring = new URL("../packages/telemetry/monitoring/", import.meta.url);
const dashboard = JSON.parse(readFileSync(new URL("dashboard.json", monitoring), "utf8")) as {
  panels: { targets: { expr: string }[] }[];
};
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const reason =
  prometheusUnavailable === undefined ? "" : ` (skipped: ${prometheusUnavailable.split("\n").join(" ")})`;

/** Asks until the answer is the wanted one, at most 20 s. */
async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

it.skipIf(prometheusUnavailable)(
  `A Prometheus server that scrapes the example takes its metrics, the alert rules and every query of the Grafana dashboard${reason}`,
  async () => {
    const application = execaNode("examples/30-serve-hono.ts", [modelPath()], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      nodeOptions: ["--import", "tsx", "--conditions=@trtllm-node/source"],
      reject: false,
    });
    const base = (await heard(application.stdout, /http.*\n/)).trim();
    await using server = await startPrometheus(
      `${base}/../metrics`,
      fileURLToPath(new URL("alerts.yml", monitoring)),
    );
    const headers = { "content-type": "application/json" };
    const ask = async (max_tokens: number) => {
      const body = JSON.stringify({ model: "my-model", prompt: "The capital of France is", max_tokens });
      return (await fetch(`${base}/completions`, { method: "POST", headers, body })).status;
    };

    const filled = (text: string) => text.replaceAll("$__rate_interval", "10s").replaceAll("$model", ".+");
    const isNumber = ({ value }: Sample) => value[1] !== "NaN";
    for (const expression of expressions) {
      const samples = await eventually(
        async () => {
          expect([await ask(3), await ask(1_000_000)]).toEqual([200, 400]);
          return server.query(filled(expression));
        },
        (found) => found.length > 0 && found.every(isNumber),
      );
      expect([expression, samples.length > 0 && samples.every(isNumber)]).toEqual([expression, true]);
    }

    const text = await (await fetch(`${base}/../metrics`)).text();
    const [, prompt] = /^trtllm_prompt_tokens_total\{model_name="my-model"\} (\d+)$/m.exec(text)!;
    const scraped = () => server.query("trtllm_prompt_tokens_total");
    const [sample] = await eventually(scraped, ([found]) => found?.value[1] === prompt);
    expect(sample?.value[1]).toBe(prompt);
    expect(await server.targets()).toMatchObject([{ health: "up", lastError: "" }]);
    const rules = await eventually(
      () => server.rules(),
      (found) => found.every(({ health }) => health !== "unknown"),
    );
    expect(rules.length).toBeGreaterThan(5);
    for (const { name, health, lastError } of rules) {
      expect([name, health, lastError]).toEqual([name, "ok", undefined]);
    }
    application.kill("SIGTERM");
    expect((await application).exitCode).toBe(0);
  },
);
