import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LibraryError } from "../errors.ts";
import { libraryInfo, loadLibrary } from "./library.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trtllm-node-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("A library that is not there is told with its path and where that came from.", async () => {
  const path = join(folder, "libmissing.so");
  const byOption = loadLibrary(path);
  await expect(byOption).rejects.toBeInstanceOf(LibraryError);
  await expect(byOption).rejects.toMatchObject({ code: "ERR_LIBRARY_NOT_FOUND" });
  await expect(byOption).rejects.toThrow(`${path}, named by the option libraryPath`);
  vi.stubEnv("TRTLLM_NODE_LIBRARY", path);
  await expect(loadLibrary()).rejects.toThrow("environment variable TRTLLM_NODE_LIBRARY");
});

test("The option goes before the environment variable.", async () => {
  vi.stubEnv("TRTLLM_NODE_LIBRARY", join(folder, "from-environment.so"));
  await expect(loadLibrary(join(folder, "from-option.so"))).rejects.toThrow("from-option.so");
});

test("A file that is no library is refused with the loader's reason.", async () => {
  const path = join(folder, "text.so");
  await writeFile(path, "not a library");
  const loading = loadLibrary(path);
  await expect(loading).rejects.toMatchObject({ code: "ERR_LIBRARY_INCOMPATIBLE" });
  await expect(loading).rejects.toThrow(/text\.so cannot be loaded: .*(invalid ELF header|too short)/);
});

test("The library says what it is made of.", async () => {
  const info = await libraryInfo();
  expect(info).toMatchObject({
    shim: expect.any(String),
    executor: expect.stringMatching(/embedded|tensorrt_llm/),
  });
});
