import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { LibraryError } from "../errors.ts";
import { abiVersion, type NativeFunctions, prototypes } from "./declarations.ts";

export interface LibraryInfo {
  /** File that was loaded. */
  readonly path: string;
  /** Version of the shim. */
  readonly shim: string;
  readonly executor: "embedded" | "tensorrt_llm" | "synthetic";
  readonly executorVersion: string;
  readonly libraries: readonly { readonly name: string; readonly version: string }[];
}

/** A bundle in CommonJS format has no `import.meta.url`. */
const require = createRequire(import.meta.url ?? resolve("bundle.cjs"));
const environmentVariable = "TRTLLM_NODE_LIBRARY";
const fileName = `libtrtllm_shim.${process.platform === "darwin" ? "dylib" : "so"}`;
const platformPackage = `@trtllm-node/${process.platform}-${process.arch}`;
const probeTimeoutMs = 20_000;
const loaded = new Map<string, Promise<NativeFunctions>>();

/**
 * What the native library is made of; loads it.
 * @throws LibraryError
 */
export async function libraryInfo(libraryPath?: string): Promise<LibraryInfo> {
  const { path } = findLibrary(libraryPath);
  const native = await loadLibrary(libraryPath);
  return { path, ...JSON.parse(native.libraryInfo()) };
}

/**
 * Loads the library, each file once per process. Looked for in this order: `libraryPath`, the environment
 * variable TRTLLM_NODE_LIBRARY, `lib` of the package `@trtllm-node/<platform>-<arch>` where that is installed,
 * `native-shim/build/lib` of the workspace that this package lies in.
 * @throws LibraryError
 */
export async function loadLibrary(libraryPath?: string): Promise<NativeFunctions> {
  const { path, foreign } = findLibrary(libraryPath);
  let library = loaded.get(path);
  if (library === undefined) {
    library = open(path, foreign);
    loaded.set(path, library);
    library.catch(() => loaded.delete(path));
  }
  return library;
}

/**
 * Files of the library and of the program that serves it to another process, which lies beside it.
 * @throws LibraryError
 */
export function libraryFiles(libraryPath?: string): { libraryPath: string; hostPath: string } {
  const { path } = findLibrary(libraryPath);
  const hostPath = join(dirname(path), "trtllm-host");
  if (existsSync(hostPath)) return { libraryPath: path, hostPath };
  throw new LibraryError(
    "ERR_LIBRARY_NOT_FOUND",
    `There is no program ${hostPath}, which isolation: "process" needs. Build native-shim, or leave isolation out.`,
  );
}

function findLibrary(option: string | undefined): { path: string; foreign: boolean } {
  const given = option ?? process.env[environmentVariable];
  if (given !== undefined && given !== "") {
    const path = resolve(given);
    if (existsSync(path)) return { path, foreign: true };
    const source =
      option === undefined ? `environment variable ${environmentVariable}` : "option libraryPath";
    throw notFound(`There is no native library at ${path}, named by the ${source}.`);
  }
  const packaged = inPackage(platformPackage, "lib");
  const built = inPackage("@trtllm-node/core", "../../native-shim/build/lib");
  for (const path of [packaged, built]) {
    if (path !== undefined && existsSync(path)) return { path, foreign: false };
  }
  throw notFound(
    `There is no native library: ${platformPackage} is not installed, and no workspace has built one.`,
  );
}

/** The library in a folder of a package; `undefined` where there is no such package, as in a bundle. */
function inPackage(name: string, folder: string): string | undefined {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), folder, fileName);
  } catch {
    return undefined;
  }
}

function notFound(what: string): LibraryError {
  return new LibraryError(
    "ERR_LIBRARY_NOT_FOUND",
    `${what} Give the path of ${fileName} as option libraryPath or in ${environmentVariable}, or build it with "npm run setup" in the workspace.`,
  );
}

async function open(path: string, foreign: boolean): Promise<NativeFunctions> {
  if (foreign) await probe(path);
  // Loaded here and not at the top: importing this package runs no native code.
  const { default: koffi } = await import("koffi");
  try {
    const library = koffi.load(path);
    const version = library.func(prototypes.abiVersion)() as number;
    if (version !== abiVersion) {
      throw new LibraryError(
        "ERR_LIBRARY_INCOMPATIBLE",
        `The native library ${path} has ABI version ${version}, this package needs ${abiVersion}. Install or build versions that belong together.`,
      );
    }
    const functions = Object.entries(prototypes).map(([name, prototype]) => [
      name,
      library.func(koffiPrototype(prototype)),
    ]);
    return Object.fromEntries(functions) as NativeFunctions;
  } catch (error) {
    throw error instanceof LibraryError ? error : cannotLoad(path, String(error), error);
  }
}

/** Type names are global in koffi and may be defined once per process, so the header's two are spelled out. */
function koffiPrototype(prototype: string): string {
  return prototype.replace("trtllm_status", "int32_t").replace("trtllm_error *", "void *");
}

/** A library from outside may crash while it loads: let it do so in a process of its own first. */
async function probe(path: string): Promise<void> {
  const script = `require(${JSON.stringify(require.resolve("koffi"))}).load(${JSON.stringify(path)}).func(${JSON.stringify(prototypes.abiVersion)})()`;
  try {
    await promisify(execFile)(process.execPath, ["--eval", script], { timeout: probeTimeoutMs });
  } catch (error) {
    const { signal, stderr } = error as { signal?: string; stderr?: string };
    const reason =
      stderr?.match(/^\w*Error: .*$/m)?.[0] ?? (signal ? `it ended with ${signal}` : String(error));
    throw cannotLoad(path, reason, error);
  }
}

function cannotLoad(path: string, reason: string, cause: unknown): LibraryError {
  return new LibraryError(
    "ERR_LIBRARY_INCOMPATIBLE",
    `The native library ${path} cannot be loaded: ${reason}. It must be a build of native-shim for this platform with all libraries it needs.`,
    { cause },
  );
}
