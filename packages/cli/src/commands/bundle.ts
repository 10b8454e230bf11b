import { type EngineLock, packBundle, unpackBundle, verifyEngine } from "@trtllm-node/engine-builder";
import { Command, Option } from "commander";

interface PackFlags {
  readonly compression: "gzip" | "zstd" | "none";
}

export function packCommand(): Command {
  return new Command("pack")
    .description("Pack an engine directory into one file with the digest of everything in it")
    .argument("<engine>", "engine directory")
    .argument("<bundle>", "file to write, such as engine.tar.gz")
    .addOption(
      new Option("--compression <kind>", "zstd needs Node 22.15 or newer")
        .choices(["gzip", "zstd", "none"])
        .default("gzip"),
    )
    .action(async (engine: string, bundle: string, { compression }: PackFlags) => {
      print(bundle, await packBundle(engine, bundle, { compression, signal: interrupted() }));
    });
}

export function unpackCommand(): Command {
  return new Command("unpack")
    .description("Unpack a bundle into a new engine directory, if all of it is what it should be")
    .argument("<bundle>")
    .argument("<folder>", "directory to make")
    .action(async (bundle: string, folder: string) => {
      print(folder, await unpackBundle(bundle, folder, { signal: interrupted() }));
    });
}

export function verifyCommand(): Command {
  return new Command("verify")
    .description("Check a bundle or an engine directory against its lock file")
    .argument("<path>")
    .action(async (path: string) => {
      print(path, await verifyEngine(path, { signal: interrupted() }));
    });
}

function print(path: string, { files, target }: EngineLock): void {
  const sizes = Object.values(files).map(({ bytes }) => bytes);
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const executor = target.version === undefined ? target.executor : `${target.executor} ${target.version}`;
  process.stdout.write(`${path}: ${sizes.length} files, ${total} bytes, for ${executor}\n`);
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  return controller.signal;
}
