import { elapsed, Progress } from "./progress.mjs";

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {() => boolean} fresh whether there is nothing to do
 * @property {(report: (line: string) => void) => Promise<void>} run
 */

/**
 * Runs the steps in order. Each looks at what the ones before it left, so `fresh` is asked one by one.
 * @param {readonly Step[]} steps
 */
export async function runSteps(steps) {
  const start = performance.now();
  let changed = false;
  for (const step of steps) {
    if (step.fresh()) continue;
    changed = true;
    const progress = new Progress(step.title);
    try {
      await step.run((line) => progress.report(line));
      progress.done();
    } catch (error) {
      progress.failed();
      throw error;
    }
  }
  console.log(`${changed ? "Ready" : "Setup is up to date"} (${elapsed(start)})`);
}
