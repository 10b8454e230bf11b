import { existsSync, readFileSync } from "node:fs";

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @type {Counts} */
export const noCounts = { passed: 0, failed: 0, skipped: 0 };

/**
 * @param {Counts} a
 * @param {Counts} b
 * @returns {Counts}
 */
export function addCounts(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * @param {boolean} passed
 * @returns {Counts}
 */
export function countOne(passed) {
  return passed ? { ...noCounts, passed: 1 } : { ...noCounts, failed: 1 };
}

/**
 * What a command's reports counted. A command that fails though no test did (a crash, a build error)
 * is one failure itself, and so is one that leaves a report out.
 * @param {boolean} commandPassed
 * @param {readonly (Counts | undefined)[]} reports
 */
export function countReports(commandPassed, reports) {
  const total = reports.map((report) => report ?? countOne(false)).reduce(addCounts, noCounts);
  return !commandPassed && total.failed === 0 ? addCounts(total, countOne(false)) : total;
}

/**
 * @param {string} path vitest's JSON report
 * @returns {Counts | undefined}
 */
export function readVitestReport(path) {
  if (!existsSync(path)) return undefined;
  const report = JSON.parse(readFileSync(path, "utf8"));
  const { numTotalTests: all, numPassedTests: passed, numFailedTests: failed } = report;
  return { passed, failed, skipped: all - passed - failed };
}

/**
 * @param {string} path ctest's JUnit report
 * @returns {Counts | undefined}
 */
export function readCtestReport(path) {
  if (!existsSync(path)) return undefined;
  const suite = readFileSync(path, "utf8").match(/<testsuite[^>]*>/)?.[0] ?? "";
  const attribute = (/** @type {string} */ name) => Number(suite.match(`${name}="(\\d+)"`)?.[1] ?? 0);
  const failed = attribute("failures");
  const skipped = attribute("skipped") + attribute("disabled");
  return { passed: attribute("tests") - failed - skipped, failed, skipped };
}
