import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { runCommand } from "./command.mjs";
import { SetupError } from "./setup-error.mjs";
import { stampedStep } from "./stamped-step.mjs";

const oldestNode = { major: 20, minor: 19 };

/** Each tool is any one of these names on the PATH. */
const required = [
  { names: ["git"], remedy: "Install it, on Debian or Ubuntu: sudo apt-get install git" },
  { names: ["cmake"], remedy: "Install it, on Debian or Ubuntu: sudo apt-get install cmake" },
  { names: ["c++", "g++", "clang++"], remedy: "Install one, on Debian or Ubuntu: sudo apt-get install g++" },
  { names: ["python3"], remedy: "Install it, on Debian or Ubuntu: sudo apt-get install python3 python3-pip" },
];

/** Where each of them is; nothing for one that is missing. */
const found = () => required.map(({ names }) => names.map(onPath).find(Boolean) ?? "");

export const tools = stampedStep({
  title: "Checking the tools of this machine",
  name: "tools",
  inputs: () => [`${process.version} ${process.platform} ${process.arch} ${found().join(" ")}`],
  outputs: [],
  async run() {
    if (process.platform !== "linux" || process.arch !== "x64") {
      throw new SetupError(
        `this machine is ${process.platform} ${process.arch}, and the embedded executor needs linux x64`,
        "Use a linux x64 machine or container, such as the image node:22-bookworm",
      );
    }
    const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
    if (major < oldestNode.major || (major === oldestNode.major && minor < oldestNode.minor)) {
      throw new SetupError(
        `Node ${process.versions.node} is too old, ${oldestNode.major}.${oldestNode.minor} or newer is needed`,
        "Install a newer one, such as: nvm install 22",
      );
    }
    for (const { names, remedy } of required) {
      if (!names.some(onPath)) throw new SetupError(`${names.join(" or ")} is not on the PATH`, remedy);
    }
    await runCommand("python3", ["-m", "pip", "--version"], {
      remedy: "Install pip, on Debian or Ubuntu: sudo apt-get install python3-pip",
    });
  },
});

/** @param {string} name */
function onPath(name) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
