import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pythonWith, standInSitePackages } from "../../../../test/support/tensorrt-llm-stand-in.ts";
import type { Check } from "../doctor/check.ts";
import { checkPackage } from "./checks.ts";
import { findPackage } from "./python-package.ts";

let folder: string;
/** A tensorrt_llm package without anything beside it. */
let root: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "package-")));
  root = join(folder, "site-packages/tensorrt_llm");
  await cp(join(standInSitePackages, "tensorrt_llm"), root, { recursive: true });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function checks(cuda?: string): Promise<Map<string, Check>> {
  const found = await findPackage({ root });
  if (found === undefined) throw new Error(`no package in ${root}`);
  return new Map((await checkPackage(found, cuda)).map((check) => [check.name, check]));
}

/** A CUDA toolkit with no more than its headers' names and version. */
async function toolkit(path: string, version: number): Promise<string> {
  await mkdir(join(path, "include"), { recursive: true });
  await writeFile(join(path, "include/cuda_fp16.h"), "");
  await writeFile(join(path, "include/cuda.h"), `#define CUDA_VERSION ${version}\n`);
  return path;
}

test("A package is found by its folder, by a Python that has it, and by an active virtual environment.", async () => {
  expect(await findPackage({ root })).toMatchObject({ root, version: "1.2.1" });
  const sitePackages = standInSitePackages;
  const python = await pythonWith(sitePackages, folder);
  const expected = { root: join(sitePackages, "tensorrt_llm"), version: "1.2.1" };
  expect(await findPackage({ python })).toEqual({ ...expected, foundBy: python });
  await mkdir(join(folder, "venv/bin"), { recursive: true });
  const inEnvironment = await pythonWith(sitePackages, join(folder, "venv/bin"));
  vi.stubEnv("VIRTUAL_ENV", join(folder, "venv"));
  expect(await findPackage()).toEqual({ ...expected, foundBy: inEnvironment });
});

test("No package is found where there is none, and a folder without a version is none.", async () => {
  expect(await findPackage({ python: join(folder, "no-python") })).toBeUndefined();
  expect(await findPackage({ root: folder })).toBeUndefined();
});

test("A library that is missing is named, with what brings it.", async () => {
  expect((await checks()).get("Libraries that it needs")).toMatchObject({
    ok: false,
    required: true,
    detail: "not found: libnvinfer.so.10",
    fix: "python3 -m pip install 'tensorrt~=10.13.3'",
  });
  await cp(join(standInSitePackages, "tensorrt_libs"), join(folder, "site-packages/tensorrt_libs"), {
    recursive: true,
  });
  expect((await checks()).get("Libraries that it needs")).toMatchObject({ ok: true });
});

test("Missing headers and a missing library are named, and so is a release that has no engines.", async () => {
  await rm(join(root, "include"), { recursive: true });
  await rm(join(root, "libs/libtensorrt_llm.so"));
  await writeFile(join(root, "version.py"), '__version__ = "1.3.0"\n');
  const found = await checks();
  for (const name of ["TensorRT-LLM headers", "TensorRT-LLM library"]) {
    const fix = expect.stringContaining("pip install");
    expect(found.get(name)).toMatchObject({ ok: false, required: true, fix });
  }
  expect(found.get("TensorRT-LLM")).toMatchObject({
    ok: false,
    detail: expect.stringContaining("1.0 to 1.2 are supported"),
    fix: expect.stringContaining("trtllm-serve"),
  });
});

test("The C++ ABI is that of the names that the library exports.", async () => {
  expect((await checks()).get("C++ ABI")).toMatchObject({
    ok: true,
    detail: expect.stringContaining("_GLIBCXX_USE_CXX11_ABI=1"),
  });
  const library = join(root, "libs/libtensorrt_llm.so");
  const source = `#include <string>
    namespace tensorrt_llm::executor { struct Response { std::string const& getErrorMsg() const; }; }
    static std::string const text;
    std::string const& tensorrt_llm::executor::Response::getErrorMsg() const { return text; }`;
  const compile = ["-shared", "-fPIC", "-D_GLIBCXX_USE_CXX11_ABI=0", "-x", "c++", "-", "-o", library];
  await execa("c++", compile, { input: source });
  expect((await checks()).get("C++ ABI")).toMatchObject({
    ok: true,
    detail: expect.stringContaining("_GLIBCXX_USE_CXX11_ABI=0"),
  });
  await execa("c++", ["-shared", "-fPIC", "-x", "c++", "-", "-o", library], { input: "int nothing;" });
  expect((await checks()).get("C++ ABI")).toMatchObject({ ok: false, required: true });
});

test("Of several CUDA toolkits all are told, and which one is used; one that does not fit is said to.", async () => {
  const packaged = await toolkit(join(folder, "site-packages/nvidia/cu13"), 13000);
  const home = await toolkit(join(folder, "cuda-12.9"), 12090);
  vi.stubEnv("CUDA_HOME", home);
  const detail = (await checks()).get("CUDA toolkit")?.detail;
  expect(detail).toMatch(new RegExp(`^13.0 in ${packaged}; not used: 12.9 in ${home}`));
  expect((await checks(home)).get("CUDA toolkit")?.detail).toMatch(
    new RegExp(`^12.9 in ${home}; not used: 13.0 in ${packaged}`),
  );

  // A TensorRT-LLM that was linked with CUDA 13's libraries.
  const library = join(root, "libs/libtensorrt_llm.so");
  const cublas = join(folder, "libcublas.so.13");
  await execa("c++", ["-shared", "-fPIC", "-x", "c++", "-", `-Wl,-soname,libcublas.so.13`, "-o", cublas], {
    input: "int f() { return 1; }",
  });
  await execa("c++", ["-shared", "-fPIC", "-x", "c++", "-", "-x", "none", cublas, "-o", library], {
    input: "int f(); int g() { return f(); }",
  });
  expect((await checks()).get("CUDA toolkit")).toMatchObject({ ok: true });
  expect((await checks(home)).get("CUDA toolkit")).toMatchObject({
    ok: false,
    detail: expect.stringContaining("this TensorRT-LLM is for CUDA 13"),
    fix: `trtllm-node native build --cuda ${packaged}`,
  });
});
