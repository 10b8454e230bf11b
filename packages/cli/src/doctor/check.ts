/** What `doctor` found about one thing. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Generation works only with it. */
  readonly required: boolean;
  /** The version or path found, or what is missing and what for. */
  readonly detail: string;
  /** The one command that puts it right, where it is missing. */
  readonly fix?: string;
}

/** A thing that `probe` describes, or that is missing where it finds none or throws. */
export async function check(
  thing: { name: string; required?: true; missing: string; fix: string },
  probe: () => Promise<string | undefined> | string | undefined,
): Promise<Check> {
  const { name, required = false, missing, fix } = thing;
  try {
    const detail = await probe();
    if (detail) return { name, ok: true, required, detail };
    return { name, ok: false, required, detail: missing, fix };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name, ok: false, required, detail: `${missing}: ${message}`, fix };
  }
}
