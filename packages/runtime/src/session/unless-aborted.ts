import { AbortedError } from "@trtllm-node/core";

/** Resolves when `waited` does; rejects with AbortedError as soon as the signal is aborted. */
export async function unlessAborted(
  waited: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal === undefined) {
    await waited;
    return;
  }
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () =>
      reject(new AbortedError("The request was aborted by its signal.", { cause: signal.reason }));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
  try {
    await Promise.race([waited, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
