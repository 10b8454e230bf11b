import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheFolder } from "../cache-folder.ts";
import { ToolError } from "../errors.ts";
import { pythonProgram } from "../python-programs.ts";
import { BuildLock } from "../stages/build-lock.ts";
import { runTool } from "./run-tool.ts";

/** Written last: an environment without it is unfinished. */
const finishedFile = "trtllm-node-finished";
/** PyTorch without CUDA, which PyPI has not: 0.2 GB and not 5. */
const cpuIndex = "https://download.pytorch.org/whl/cpu";

/**
 * Python of the environment that `installModelOpt` made; `undefined` where it has not, or for other versions.
 */
export async function modelOptPython(): Promise<string | undefined> {
  const folder = await environmentFolder();
  const finished = await stat(join(folder, finishedFile)).catch(() => undefined);
  return finished && join(folder, "bin/python");
}

export interface InstallOptions {
  /** Python 3.10 or newer that has venv. Default: python3 on the PATH. */
  readonly python?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Every line that pip prints. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/**
 * Makes a virtual environment with ModelOpt, PyTorch and what they need, in pinned versions, below the user's cache
 * folder (XDG_CACHE_HOME). Does nothing where it is there already.
 * @returns its Python
 * @throws ToolError where Python or pip fail, BuildLockedError where another process makes it, AbortedError
 */
export async function installModelOpt(options: InstallOptions = {}): Promise<string> {
  const { python = "python3", signal, onLine = () => {} } = options;
  const folder = await environmentFolder();
  await mkdir(join(folder, ".."), { recursive: true });
  await using _held = await BuildLock.acquire(`${folder}.lock`);
  const existing = await modelOptPython();
  if (existing !== undefined) return existing;
  const run = (command: string, args: readonly string[]) =>
    runTool({ command, args, cwd: join(folder, ".."), signal, onLine });
  await rm(folder, { recursive: true, force: true });
  await run(python, ["-m", "venv", folder]);
  const made = join(folder, "bin/python");
  const indexes = (await wantsCpuIndex(signal)) ? ["--extra-index-url", cpuIndex] : [];
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", ...indexes];
  await run(made, [...pip, "--requirement", pythonProgram("requirements.txt")]);
  await writeFile(join(folder, finishedFile), "");
  return made;
}

/** Where the environment of these versions lies. */
async function environmentFolder(): Promise<string> {
  const requirements = await readFile(pythonProgram("requirements.txt"));
  const key = createHash("sha256").update(requirements).digest("hex").slice(0, 12);
  return join(cacheFolder(), `modelopt-${key}`);
}

/** Where there is no GPU and the index can be reached; a company's mirror of PyPI alone works too. */
async function wantsCpuIndex(signal: AbortSignal | undefined): Promise<boolean> {
  const gpu = await execa("nvidia-smi", ["-L"], { reject: false, stdin: "ignore", timeout: 20_000 });
  if (!gpu.failed) return false;
  const limits = [AbortSignal.timeout(10_000), ...(signal ? [signal] : [])];
  const answer = await fetch(`${cpuIndex}/torch/`, { method: "HEAD", signal: AbortSignal.any(limits) }).catch(
    () => undefined,
  );
  return answer?.ok === true;
}

/** @throws ToolError that says how to get it */
export async function findModelOpt(given: string | undefined): Promise<string> {
  const python = given ?? (await modelOptPython());
  if (python !== undefined) return python;
  throw new ToolError({
    command: "ModelOpt, which quantizes,",
    startError: "ENOENT",
    remedy: "Install it with: trtllm-node doctor --fix",
    lastLines: [],
  });
}
