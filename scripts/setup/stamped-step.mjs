import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { cache, root } from "./paths.mjs";

/**
 * A step that runs again only when what it reads changes, or an output is gone.
 * @param {object} options
 * @param {string} options.name of the stamp file
 * @param {string} options.title
 * @param {() => readonly string[]} options.inputs absolute paths of files and folders, read whole, and any other text that matters
 * @param {readonly string[]} options.outputs files that must be there
 * @param {import("./steps.mjs").Step["run"]} options.run
 * @returns {import("./steps.mjs").Step}
 */
export function stampedStep({ name, title, inputs, outputs, run }) {
  const stamp = join(cache, "stamps", name);
  return {
    title,
    fresh: () => outputs.every((path) => existsSync(path)) && readIfPresent(stamp) === digest(inputs()),
    async run(report) {
      // Taken first: what is edited meanwhile is not yet done.
      const key = digest(inputs());
      await run(report);
      mkdirSync(dirname(stamp), { recursive: true });
      writeFileSync(stamp, key);
    },
  };
}

const generated = new Set(["node_modules", "build", "dist", ".tsc", ".turbo"]);

/** @param {readonly string[]} inputs */
function digest(inputs) {
  const hash = createHash("sha256");
  for (const input of inputs) {
    if (!isAbsolute(input)) hash.update(`${input}\0`);
    else for (const path of files(input)) hash.update(`${relative(root, path)}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/**
 * The file itself, or every source file in the folder, in a fixed order; none where it is missing.
 * @param {string} path
 * @returns {string[]}
 */
function files(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return [];
  if (!status.isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => !generated.has(name))
    .sort()
    .flatMap((name) => files(join(path, name)));
}

/** @param {string} path */
function readIfPresent(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
