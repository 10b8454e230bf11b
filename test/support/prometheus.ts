import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const folder = fileURLToPath(new URL("../../.cache/prometheus", import.meta.url));
const reason = join(folder, "unavailable");

/** Why set-up could not bring a Prometheus server; `undefined` where it has. */
export const prometheusUnavailable = existsSync(reason) ? readFileSync(reason, "utf8") : undefined;

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

interface Target {
  readonly health: string;
  readonly lastError: string;
}

interface Rule extends Partial<Target> {
  readonly name: string;
}

export interface PrometheusServer extends AsyncDisposable {
  /** What an expression gives now. */
  query(expression: string): Promise<Sample[]>;
  targets(): Promise<Target[]>;
  rules(): Promise<Rule[]>;
}

/** A Prometheus server that scrapes `url` each second and evaluates the rules of a file. */
export async function startPrometheus(url: string, rules: string): Promise<PrometheusServer> {
  const data = mkdtempSync(join(tmpdir(), "prometheus-"));
  const { host, pathname } = new URL(url);
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [rules],
    scrape_configs: [
      { job_name: "trtllm-node", metrics_path: pathname, static_configs: [{ targets: [host] }] },
    ],
  };
  // YAML takes JSON.
  writeFileSync(join(data, "prometheus.yml"), JSON.stringify(config));
  const server = execa(
    join(folder, "usr/bin/prometheus"),
    [
      `--config.file=${join(data, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(data, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ],
    { reject: false },
  );
  const address = await new Promise<string>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (text: Buffer) => {
      log += text;
      const [, found] = /"Listening on" address=(\S+)/.exec(log) ?? [];
      if (found !== undefined) resolve(found);
    });
    void server.then(() => reject(new Error(`Prometheus ended: ${log}`)));
  });
  const api = async <Data>(path: string): Promise<Data> => {
    const response = await fetch(`http://${address}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; error?: string; data: Data };
    if (answer.status !== "success") throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  return {
    query: async (expression) =>
      (await api<{ result: Sample[] }>(`query?query=${encodeURIComponent(expression)}`)).result,
    targets: async () => (await api<{ activeTargets: Target[] }>("targets")).activeTargets,
    rules: async () =>
      (await api<{ groups: { rules: Rule[] }[] }>("rules")).groups.flatMap(({ rules: own }) => own),
    async [Symbol.asyncDispose]() {
      server.kill();
      await server;
      rmSync(data, { recursive: true });
    },
  };
}
