import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { openvinoRuntime } from "./paths.mjs";
import { SetupError } from "./setup-error.mjs";
import { stampedStep } from "./stamped-step.mjs";

/** The libraries and headers in a wheel are the same for every version of Python: this one is taken. */
const wheel = {
  version: "2026.4.1",
  platform: ["--python-version", "3.11", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64"],
  sha256: "2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf",
};

/** Of 180 MB: no GPU, no NPU, no formats but OpenVINO's own and GGUF. */
const kept = [
  /^openvino\/include\//,
  /^openvino\/libs\/lib(openvino|openvino_ir_frontend|openvino_gguf_frontend|tbb)\.so\.\d+$/,
  /^openvino\/libs\/libopenvino_intel_cpu_plugin\.so$/,
  /^openvino-[\d.]+\.dist-info\/licenses\//,
];

/** TRTLLM_NODE_OPENVINO: "off" leaves OpenVINO out, and models run on llama.cpp alone. */
export const openvinoOff = process.env.TRTLLM_NODE_OPENVINO === "off";

const fetching = stampedStep({
  title: `Downloading OpenVINO ${wheel.version} (59 MB)`,
  name: "openvino",
  inputs: () => [wheel.sha256, ...kept.map(String)],
  outputs: [join(openvinoRuntime, "include/openvino/openvino.hpp")],
  async run(report) {
    const folder = `${openvinoRuntime}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    try {
      await unpack(await download(folder, report), folder);
      rmSync(openvinoRuntime, { recursive: true, force: true });
      renameSync(join(folder, "openvino"), openvinoRuntime);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

/** @type {import("./steps.mjs").Step} */
export const openvino = {
  ...fetching,
  title: openvinoOff ? "Removing OpenVINO" : fetching.title,
  fresh: () => (openvinoOff ? !existsSync(openvinoRuntime) : fetching.fresh()),
  run: async (report) =>
    openvinoOff ? rmSync(openvinoRuntime, { recursive: true, force: true }) : fetching.run(report),
};

/** What the native library is built with. */
export const openvinoVersion = () => (existsSync(openvinoRuntime) ? wheel.version : "");

/**
 * @param {string} folder
 * @param {(line: string) => void} report
 */
async function download(folder, report) {
  await runCommand(
    "python3",
    ["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"].concat([
      ...wheel.platform,
      "--dest",
      folder,
      `openvino==${wheel.version}`,
    ]),
    {
      onLine: report,
      remedy:
        "Check the network and pip's index setting (python3 -m pip config list), then run it again; " +
        "or set TRTLLM_NODE_OPENVINO=off to do without it",
    },
  );
  const archive = join(folder, readdirSync(folder).find((name) => name.endsWith(".whl")) ?? "");
  const actual = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (actual !== wheel.sha256) {
    throw new SetupError(
      `OpenVINO's wheel has SHA-256 ${actual}, expected ${wheel.sha256}`,
      "The package index served another file: check pip's index setting (python3 -m pip config list)",
    );
  }
  return archive;
}

const unpackScript = `
import re, sys, zipfile
archive, folder, *kept = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    wheel.extractall(folder, [name for name in wheel.namelist() if any(re.search(part, name) for part in kept)])
`;

/**
 * @param {string} archive
 * @param {string} folder
 */
async function unpack(archive, folder) {
  await runCommand("python3", ["-c", unpackScript, archive, folder, ...kept.map((part) => part.source)], {
    remedy: "Check the free disk space (100 MB), then run it again",
  });
  const metadata = readdirSync(folder).find((name) => name.endsWith(".dist-info")) ?? "";
  renameSync(join(folder, metadata, "licenses"), join(folder, "openvino/licenses"));
}
