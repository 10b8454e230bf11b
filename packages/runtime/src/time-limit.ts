import { type Context, createContext, Script } from "node:vm";

/** What a model's files may take at once: templates, patterns and normalizers are programs by people unknown. */
const defaultLimitMs = 500;

const script = new Script("run()");
let context: Context | undefined;

/** The run took longer than a model's files may. */
class TimeLimitError extends Error {
  constructor(limit: number) {
    super(`it did not end within ${limit} ms`);
  }
}

/**
 * Runs it here and now, and breaks off what does not end, be it in a loop or in a regular expression. Costs about
 * 30 microseconds.
 * @throws TimeLimitError, and what `run` throws
 */
export function withinTimeLimit<T>(run: () => T, limitMs = defaultLimitMs): T {
  context ??= createContext({});
  const outer = context.run;
  context.run = run;
  try {
    // V8 breaks off all that runs on this thread, so `run` may be of any context.
    return script.runInContext(context, { timeout: Math.ceil(limitMs) }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw new TimeLimitError(limitMs);
  } finally {
    context.run = outer;
  }
}
