import { unsupported } from "../api-error.ts";

interface Wish {
  /** How long to think. */
  readonly effort: string | null | undefined;
  /** The field that says so. */
  readonly field: string;
  /** The answer is held to a format, and has no room for thoughts before it. */
  readonly formatted: boolean;
  /** Given as they are. */
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * What the model's chat template makes of an effort to reason.
 * @throws ApiError: it knows no such thing
 */
export function templateVariables(
  { effort, field, formatted, variables }: Wish,
  template = "",
): Record<string, unknown> {
  const wished = effort ?? (formatted && template.includes("enable_thinking") ? "none" : undefined);
  if (wished === undefined) return { ...variables };
  if (template.includes("reasoning_effort")) return { reasoning_effort: wished, ...variables };
  if (template.includes("enable_thinking")) return { enable_thinking: wished !== "none", ...variables };
  throw unsupported(field, "This model's chat template does not know it.");
}
