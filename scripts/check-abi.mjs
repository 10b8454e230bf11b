#!/usr/bin/env node
/** Compares native-shim/include/trtllm_shim.h with its mirror in packages/core/src/native; fails on drift. */
import * as mirror from "../packages/core/src/native/declarations.ts";
import { Drift } from "./abi/drift.mjs";
import { byFunctionName, constants, constantsNamed, prototypes, structs } from "./abi/header.mjs";
import {
  compareFinalRecords,
  compareSequenceEndRecords,
  compareTokensRecords,
  compareTopLogProbsRecords,
} from "./abi/records.mjs";

const drift = new Drift();
const { flagLogProbs: _, flagPrompt: __, ...recordKinds } = constantsNamed("TRTLLM_RECORD_");

drift.compare("ABI version", constants.TRTLLM_ABI_VERSION, mirror.abiVersion);
drift.compareAll("function", prototypes, byFunctionName(Object.values(mirror.prototypes)));
drift.compareAll("status", { ok: constants.TRTLLM_OK, ...constantsNamed("TRTLLM_ERR_") }, mirror.status);
drift.compareAll("record kind", recordKinds, mirror.recordKind);
drift.compareAll("tokenize flag", constantsNamed("TRTLLM_TOKENIZE_"), mirror.tokenizeFlags);
drift.compare("bytes of trtllm_error", structs.trtllm_error.size, mirror.errorBytes);
compareFinalRecords(drift);
compareSequenceEndRecords(drift);
compareTokensRecords(drift);
compareTopLogProbsRecords(drift);

if (drift.differences.length > 0) {
  console.error(`trtllm_shim.h and packages/core/src/native differ:\n\n${drift.differences.join("\n")}`);
  process.exitCode = 1;
} else {
  console.log(`trtllm_shim.h and packages/core/src/native agree in ${drift.compared} points`);
}
