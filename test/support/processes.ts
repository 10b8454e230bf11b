import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Processes that `pid` has started, and those that they have, as long as their parents live. */
export function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  });
  return children.flatMap((child) => [child, ...(existsSync(`/proc/${child}`) ? descendants(child) : [])]);
}

/** Resolves once a process is gone, or is nothing but an entry that nobody has read. There is no event to wait for. */
export async function gone(pid: number, mostMs = 60_000): Promise<void> {
  const begin = performance.now();
  while (isAlive(pid)) {
    if (performance.now() - begin > mostMs)
      throw new Error(`Process ${pid} is still there after ${mostMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
