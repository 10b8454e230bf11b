import { join } from "node:path";
import { buildNative } from "../setup/native-library.mjs";
import { nativeShim } from "../setup/paths.mjs";
import { SetupError } from "../setup/setup-error.mjs";
import { succeeds } from "./command.mjs";
import { countReports, readCtestReport } from "./counts.mjs";

/**
 * The native tests in a build that watches for memory errors or data races.
 * @param {string} name of the build folder
 * @param {string} sanitizers as the compiler's -fsanitize takes them
 */
export function sanitizer(name, sanitizers) {
  const folder = join(nativeShim, "build", name);
  const report = join(folder, "junit.xml");
  return {
    title: `Native tests under the sanitizers ${sanitizers}`,
    async run() {
      try {
        await buildNative(folder, [`-DTRTLLM_SANITIZE=${sanitizers}`], console.log);
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        console.log(error.message);
        return countReports(false, []);
      }
      const passed = succeeds("ctest", [
        "--test-dir",
        folder,
        "--output-on-failure",
        "--output-junit",
        report,
      ]);
      return countReports(passed, [readCtestReport(report)]);
    },
  };
}
