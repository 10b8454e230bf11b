import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";

const folder = fileURLToPath(new URL("../../.cache/browser", import.meta.url));

/** The headless Chromium that set-up has brought. Close it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    // Set-up brings its libraries and fonts too. Containers have no sandbox and little shared memory.
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(folder, "lib"),
      FONTCONFIG_FILE: join(folder, "fonts.conf"),
    },
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}
