import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonReference } from "./paths.mjs";
import { pythonPackages } from "./python-packages.mjs";

/** Hugging Face's Python libraries, whose answers the tests compare with. Nothing but the tests needs them. */
export const pythonLibraries = pythonPackages({
  title: "Installing the Python libraries that the tests compare with",
  name: "python-reference",
  requirements: join(dirname(fileURLToPath(import.meta.url)), "python-reference.txt"),
  folder: pythonReference,
  output: "tokenizers/__init__.py",
});
