import { execa } from "execa";

/** The function whose name tells which std::string a library was compiled with. */
const witness = /_ZNK12tensorrt_llm8executor8Response11getErrorMsg(B5cxx11)?Ev$/;

/**
 * `_GLIBCXX_USE_CXX11_ABI` of a libtensorrt_llm.so, from the names it exports; `undefined` where it has no executor.
 * @throws where `nm` cannot be run
 */
export async function cxx11Abi(library: string): Promise<0 | 1 | undefined> {
  for await (const line of execa("nm", ["-D", "--defined-only", library])) {
    const match = line.match(witness);
    if (match) return match[1] === undefined ? 0 : 1;
  }
  return undefined;
}

/**
 * Names of the libraries that a library asks the loader for.
 * @throws where `readelf` cannot be run
 */
export async function neededLibraries(library: string): Promise<string[]> {
  const { stdout } = await execa("readelf", ["-d", library]);
  return [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1] as string);
}

/** Names that the loader's cache knows. */
export async function cachedLibraries(): Promise<Set<string>> {
  const { stdout } = await execa("ldconfig", ["-p"], {
    reject: false,
    env: { PATH: `${process.env.PATH}:/sbin:/usr/sbin` },
  });
  return new Set([...(stdout ?? "").matchAll(/^\s+(\S+) \(/gm)].map((match) => match[1] as string));
}
