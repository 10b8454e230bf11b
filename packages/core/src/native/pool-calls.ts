/** Half of libuv's threads; the others stay free for files and name look-ups. */
const mostRunning = 2;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs a call on a thread of libuv's pool when its turn comes. koffi throws beyond 256 that it has not finished, in
 * the whole process.
 */
export async function inPool<T>(call: () => Promise<T>): Promise<T> {
  if (running < mostRunning) running += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await call();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
