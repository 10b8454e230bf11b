import { execa } from "execa";

const timeoutMs = 20_000;

/** First line that a command prints on stdout, or `undefined` where it cannot be run or fails. */
export async function commandOutput(command: string, ...args: string[]): Promise<string | undefined> {
  const { failed, stdout } = await execa(command, args, {
    reject: false,
    timeout: timeoutMs,
    stdin: "ignore",
  });
  return failed ? undefined : stdout.split("\n")[0]?.trim();
}
