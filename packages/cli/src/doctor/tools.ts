import { modelOptPython } from "@trtllm-node/engine-builder";
import { type Check, check } from "./check.ts";
import { commandOutput } from "./command-output.ts";

const oldestNode = [20, 19] as const;

/** What builds the native library, and Node, which runs everything. */
export function checkTools(): Promise<Check>[] {
  return [
    check(
      {
        name: "Node",
        required: true,
        missing: `Node ${process.versions.node} is older than ${oldestNode.join(".")}`,
        fix: "nvm install 22",
      },
      () => (isNodeRecent(process.versions.node) ? process.versions.node : undefined),
    ),
    check(
      {
        name: "C++ compiler",
        missing: "none found, needed to build from source",
        fix: "sudo apt-get install g++",
      },
      () => commandOutput("c++", "--version"),
    ),
    check(
      { name: "CMake", missing: "not found, needed to build from source", fix: "sudo apt-get install cmake" },
      async () => (await commandOutput("cmake", "--version"))?.replace("cmake version ", ""),
    ),
    check(
      {
        name: "Python",
        missing: "not found, needed to build engines",
        fix: "sudo apt-get install python3 python3-pip",
      },
      async () => (await commandOutput("python3", "--version"))?.replace("Python ", ""),
    ),
    check(
      {
        name: "ModelOpt",
        missing: "not installed, needed to quantize models",
        fix: "trtllm-node doctor --fix",
      },
      modelOptPython,
    ),
  ];
}

function isNodeRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}
