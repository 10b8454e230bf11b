import { readFileSync } from "node:fs";

interface Flag {
  readonly flag: string;
  readonly type: "str" | "int" | "float" | "bool" | "enum";
  readonly choices?: readonly (string | number | null)[];
  readonly aliases?: readonly string[];
  readonly nargs?: string;
  readonly releases?: string;
}

const releases = ["1.0", "1.1", "1.2"] as const;

/**
 * What is wrong with these arguments for one of NVIDIA's tools in any of 1.0, 1.1 and 1.2, as argparse would see it.
 * The flags were transcribed from the tools' sources, which each file names.
 */
export function argumentProblems(tool: "trtllm-build" | "convert-llama", args: readonly string[]): string[] {
  const file = new URL(`./flags/${tool}.json`, import.meta.url);
  const { flags } = JSON.parse(readFileSync(file, "utf8")) as { flags: readonly Flag[] };
  const problems: string[] = [];
  for (let i = 0; i < args.length; ) {
    const name = args[i++] ?? "";
    const values: string[] = [];
    while (i < args.length && !args[i]?.startsWith("--")) values.push(args[i++] ?? "");
    const known = flags.find(({ flag, aliases }) => flag === name || aliases?.includes(name));
    if (known === undefined) problems.push(`${name} does not exist`);
    else problems.push(...valueProblems(known, values), ...releaseProblems(known));
  }
  return problems;
}

function valueProblems({ flag, type, choices, nargs }: Flag, values: readonly string[]): string[] {
  const expected = type === "bool" ? 0 : 1;
  if (nargs === "+" ? values.length === 0 : values.length !== expected)
    return [`${flag} has ${values.length} values`];
  return values.flatMap((value) => {
    if (type === "int" && !/^-?\d+$/.test(value)) return [`${flag} ${value} is no whole number`];
    if (type === "float" && Number.isNaN(Number(value))) return [`${flag} ${value} is no number`];
    if (choices && !choices.map(String).includes(value)) return [`${flag} ${value} is no choice`];
    return [];
  });
}

function releaseProblems({ flag, releases: range }: Flag): string[] {
  if (range === undefined) return [];
  const [first = "", last = ""] = range.split("-");
  return releases
    .filter((release) => release < first || release > last)
    .map((release) => `${flag} is not in ${release}`);
}
