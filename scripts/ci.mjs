#!/usr/bin/env node
/** Every check of this repository, one after the other; a failure does not stop the rest. */
import { abiCheck, lint, packages, tests, types, unusedCode } from "./ci/checks.mjs";
import { addCounts, noCounts } from "./ci/counts.mjs";
import { sanitizer } from "./ci/sanitizer.mjs";
import { elapsed } from "./setup/progress.mjs";

const checks = [
  tests,
  lint,
  types,
  abiCheck,
  unusedCode,
  ...packages,
  sanitizer("asan", "address,undefined"),
  sanitizer("tsan", "thread"),
];

const start = performance.now();
let total = noCounts;
for (const check of checks) {
  console.log(`\n=== ${check.title}`);
  const checkStart = performance.now();
  const counts = await check.run();
  console.log(`=== ${check.title}: ${counts.failed > 0 ? "FAILED" : "passed"} (${elapsed(checkStart)})`);
  total = addCounts(total, counts);
}
console.log(`\nAll checks took ${elapsed(start)}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
if (total.failed > 0) process.exitCode = 1;
