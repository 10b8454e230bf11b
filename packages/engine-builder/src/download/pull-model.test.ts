import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AbortedError, ConfigError } from "@trtllm-node/core";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HubServer, repository, serveHub } from "../../test/hub-server.ts";
import { tinyShape, writeModel } from "../../test/model-files.ts";
import { standIns } from "../../test/stand-in/tools.ts";
import { BuildLockedError, DownloadError, ModelError } from "../errors.ts";
import { type BuildEvent, buildEngine } from "../index.ts";
import { pullModel } from "./pull-model.ts";

const weights = "model.safetensors";
let folder: string;
let hub: HubServer;
let files: Map<string, Buffer>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pull-"));
  process.env.XDG_CACHE_HOME = join(folder, "cache");
  const model = await writeModel(join(folder, "origin"), tinyShape);
  files = new Map();
  for (const name of await readdir(model)) files.set(name, await readFile(join(model, name)));
  files.set("tokenizer.json", Buffer.from("{}"));
  files.set("LICENSE", Buffer.from("Do what you like."));
  files.set("pytorch_model.bin", Buffer.alloc(10));
  files.set("onnx/model.onnx", Buffer.alloc(10));
  files.set("empty.txt", Buffer.alloc(0));
  hub = await serveHub(files);
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  delete process.env.XDG_CACHE_HOME;
  delete process.env.HF_ENDPOINT;
  await rm(folder, { recursive: true });
});

const pull = (options = {}) => pullModel(`hf:${repository}`, { endpoint: hub.url, ...options });
const contentRequests = () =>
  hub.requests.filter((line) => line.includes("/resolve/") && !line.endsWith("bytes=0-0"));

async function expectWhole(path: string): Promise<void> {
  const wanted = ["LICENSE", "config.json", "empty.txt", weights, "tokenizer.json"];
  expect((await readdir(path)).sort()).toEqual(wanted);
  for (const name of wanted)
    expect((await readFile(join(path, name))).equals(files.get(name)!), name).toBe(true);
}

describe("pullModel", () => {
  it("fetches configuration, tokenizer, weights and licence, and no pickles", async () => {
    const { path, name, commit } = await pull();
    expect(path).toBe(join(folder, "cache/trtllm-node/models/test-org--tiny-model", hub.commit));
    expect({ name, commit }).toEqual({ name: repository, commit: hub.commit });
    await expectWhole(path);
    expect(await readdir(join(path, ".."))).toEqual([hub.commit]);
  });

  it("fetches a commit once", async () => {
    await pull();
    const before = contentRequests().length;
    await pull();
    expect(contentRequests().length).toBe(before);
  });

  it("makes the directory that it is told, unless something is in it", async () => {
    const output = join(folder, "here");
    await mkdir(output);
    await expectWhole((await pull({ output })).path);
    await expect(pull({ output })).rejects.toThrow(ConfigError);
  });

  it("tells bytes that only grow, up to all", async () => {
    const seen: number[] = [];
    let total = 0;
    await pull({
      onProgress: ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) => {
        seen.push(bytes);
        total = totalBytes;
      },
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(total);
  });

  it("goes on where a connection broke off", async () => {
    const content = files.get(weights)!;
    let broken = 0;
    hub.trouble = (request, response) => {
      if (!request.url?.endsWith(weights) || broken++ > 0) return false;
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 30_000), () => response.destroy());
      return true;
    };
    await expectWhole((await pull()).path);
    const [, again] = contentRequests().filter((line) => line.includes(weights));
    expect(Number(/bytes=(\d+)-/.exec(again!)?.[1])).toBeGreaterThan(0);
  });

  it("goes on in the next run where nothing more comes", async () => {
    const content = files.get(weights)!;
    hub.trouble = (request, response) => {
      if (!request.url?.endsWith(weights)) return false;
      if (request.headers.range !== undefined) response.destroy();
      else {
        response.writeHead(200, { "content-length": content.length });
        response.write(content.subarray(0, 30_000), () => response.destroy());
      }
      return true;
    };
    await expect(pull()).rejects.toThrow(/broke off.*it resumes/);
    hub.trouble = undefined;
    hub.requests.length = 0;
    await expectWhole((await pull()).path);
    const again = contentRequests().filter((line) => line.includes(weights));
    expect(again).toEqual([expect.stringMatching(/ bytes=[1-9]\d*-/)]);
  });

  it.each([weights, "config.json"])(
    "takes no %s of another content than the hub says, and fetches it anew",
    async (name) => {
      hub.trouble = (request, response, content) => {
        if (!request.url?.endsWith(name)) return false;
        const wrong = Buffer.from(content);
        wrong[wrong.length - 1]! ^= 1;
        response.writeHead(200, { "content-length": wrong.length }).end(wrong);
        return true;
      };
      await expect(pull()).rejects.toThrow(DownloadError);
      hub.trouble = undefined;
      await expectWhole((await pull()).path);
    },
  );

  it("continues no file of another commit", async () => {
    hub.trouble = (request, response) => {
      if (!request.url?.endsWith(weights)) return false;
      response.destroy();
      return true;
    };
    await expect(pull({ output: join(folder, "here") })).rejects.toThrow(DownloadError);
    hub.trouble = undefined;
    Object.assign(hub, { commit: "d".repeat(40) });
    await expectWhole((await pull({ output: join(folder, "here") })).path);
  });

  it("says that a model is not there, or closed", async () => {
    const none = pullModel("test-org/none", { endpoint: hub.url });
    await expect(none).rejects.toThrow(ModelError);
    await expect(none).rejects.toThrow(/404.*spelled right/);
    await using closed = await serveHub(files, { token: "hf_secret" });
    await expect(pull({ endpoint: closed.url })).rejects.toThrow(/401.*HF_TOKEN/);
    await expectWhole((await pull({ endpoint: closed.url, accessToken: "hf_secret" })).path);
  });

  it("says that the hub cannot be reached", async () => {
    const gone = await serveHub(files);
    await gone[Symbol.asyncDispose]();
    await expect(pull({ endpoint: gone.url })).rejects.toThrow(/cannot be reached.*ECONNREFUSED/);
  });

  it("refuses a model without safetensors", async () => {
    files.delete(weights);
    await expect(pull()).rejects.toMatchObject({ code: "ERR_MODEL_UNSUPPORTED" });
  });

  it.each(["nul.json", "a:b.json", "CONFIG.json"])("refuses a hub that names a file %s", async (name) => {
    files.set(name, Buffer.from("{}"));
    await expect(pull()).rejects.toThrow(DownloadError);
    expect(contentRequests()).toEqual([]);
  });

  it.each(["hf:", "name", "hf:a/b/c", "hf:a/b@../c", "hf:a/b@", "../a/b"])(
    "refuses %j as a name",
    async (name) => {
      await expect(pullModel(name, { endpoint: hub.url })).rejects.toThrow(ConfigError);
    },
  );

  it("ends when it is aborted, and resumes", async () => {
    const controller = new AbortController();
    hub.trouble = (request, response, content) => {
      if (!request.url?.endsWith(weights)) return false;
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 30_000), () => setImmediate(() => controller.abort()));
      return true;
    };
    await expect(pull({ signal: controller.signal })).rejects.toThrow(AbortedError);
    hub.trouble = undefined;
    await expectWhole((await pull()).path);
  });

  it("lets no second process fetch the same", async () => {
    let second: Promise<unknown> | undefined;
    hub.trouble = () => {
      second ??= pull().catch((error) => error);
      return false;
    };
    await pull();
    expect(await second).toBeInstanceOf(BuildLockedError);
  });
});

describe("buildEngine, of a model of the hub", () => {
  const config = () => ({
    model: `hf:${repository}`,
    output: join(folder, "engine"),
    target: "embedded" as const,
    quantization: { weights: "fp8-rowwise" as const },
  });

  it("fetches it first, and writes down which commit it was", async () => {
    process.env.HF_ENDPOINT = hub.url;
    const events: BuildEvent[] = [];
    const options = { tools: standIns, onEvent: (event: BuildEvent) => void events.push(event) };
    const { lock } = await buildEngine(config(), options);
    expect(lock.source.model).toBe(`hf:${repository}@${hub.commit}`);
    await buildEngine(config(), options);
    const stages = events.flatMap((event) =>
      event.kind === "stage" && event.stage === "download" ? [event.state] : [],
    );
    expect(stages).toEqual(["started", "finished", "started", "reused"]);
  });

  it("killed at any moment of the download, takes nothing half for the model, and resumes", async () => {
    const env = { HF_ENDPOINT: hub.url };
    const run = (killAt?: string) => {
      const program = [
        "--import",
        "tsx",
        "--conditions=@trtllm-node/source",
        "test/stand-in/build-program.ts",
      ];
      const args = [...program, JSON.stringify(config()), ...(killAt === undefined ? [] : [killAt])];
      return execa(process.execPath, args, { cwd: packageFolder, env, reject: false });
    };
    const { stdout } = await run();
    const lines = stdout.split("\n").filter((line) => line.includes('"stage":"download"'));
    const writing = lines.find((line) => line.includes(weights));
    const points = [lines[0]!, writing!, lines.at(-2)!, lines.at(-1)!];
    expect(new Set(points).size).toBe(4);
    for (const point of points) {
      for (const path of ["cache", "engine", "engine.build"])
        await rm(join(folder, path), { recursive: true });
      expect((await run(point)).signal).toBe("SIGKILL");
      const { path } = await pull();
      await expectWhole(path);
      expect((await run()).exitCode).toBe(0);
      expect((await stat(join(folder, "engine/model.gguf"))).size).toBeGreaterThan(0);
    }
  });

  it("says that the disk is full, and leaves no model", async () => {
    const small = join(folder, "small");
    await mkdir(small);
    const script = `mount -t tmpfs -o size=40k none ${small} && exec "$@"`;
    const program = ["--import", "tsx", "--conditions=@trtllm-node/source", "test/stand-in/build-program.ts"];
    const command = [process.execPath, ...program, JSON.stringify(config())];
    const env = { HF_ENDPOINT: hub.url, XDG_CACHE_HOME: small };
    const { stderr, exitCode } = await execa("unshare", ["-rm", "sh", "-c", script, "sh", ...command], {
      ...{ cwd: packageFolder, env, reject: false },
    });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/BuildError: No space is left on the disk/);
    expect(await readdir(folder)).not.toContain("engine");
  });
});

const packageFolder = fileURLToPath(new URL("../..", import.meta.url));
