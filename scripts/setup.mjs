#!/usr/bin/env node
/**
 * Makes a fresh clone ready to build and run, with --openvino on OpenVINO too, with --tests also to test. Does nothing,
 * quickly, where nothing changed.
 */
import { browser } from "./setup/browser.mjs";
import { cudaCheck } from "./setup/cuda-check.mjs";
import { cudaBackend } from "./setup/cuda-library.mjs";
import { dependencies } from "./setup/dependencies.mjs";
import { llamaHeaders } from "./setup/llama-headers.mjs";
import { model } from "./setup/model.mjs";
import { nativeLibrary } from "./setup/native-library.mjs";
import { openMpi } from "./setup/open-mpi.mjs";
import { openvino } from "./setup/openvino.mjs";
import { openvinoReference } from "./setup/openvino-genai.mjs";
import { prometheus } from "./setup/prometheus.mjs";
import { tokenizerFiles } from "./setup/published-tokenizers.mjs";
import { pythonLibraries } from "./setup/python-reference.mjs";
import { quantizedModels } from "./setup/quantized-models.mjs";
import { SetupError } from "./setup/setup-error.mjs";
import { runSteps } from "./setup/steps.mjs";
import { tools } from "./setup/tools.mjs";
import { typescript } from "./setup/typescript.mjs";
import { xgrammar } from "./setup/xgrammar.mjs";

/** What only tests compare with. */
const forTests = process.argv.includes("--tests")
  ? [pythonLibraries, tokenizerFiles, openMpi, browser, prometheus]
  : [];
const withOpenVino = process.argv.includes("--openvino");

try {
  await runSteps([
    tools,
    dependencies,
    model,
    llamaHeaders,
    xgrammar,
    cudaBackend,
    ...(withOpenVino ? [openvino] : []),
    nativeLibrary,
    cudaCheck,
    quantizedModels,
    ...(withOpenVino ? openvinoReference : []),
    typescript,
    ...forTests,
  ]);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\nSetup failed: ${error.message}\n  → ${error.remedy}`);
  process.exitCode = 1;
}
