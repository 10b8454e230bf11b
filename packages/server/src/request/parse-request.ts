import type { z } from "zod";
import { ApiError } from "../api-error.ts";
import { decimalFields } from "./generation-fields.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** The body as JSON. @throws ApiError: not application/json, or not JSON */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  // Also keeps out forms of other web sites, which browsers send without asking.
  if (!/^application\/json\b/i.test(type)) {
    const message =
      "Unsupported content type. Send the body as JSON, with the header 'Content-Type: application/json'.";
    throw new ApiError(415, message, { code: "unsupported_content_type" });
  }
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, "We could not parse the JSON body of your request.");
  }
}

/** Fields that the schema does not know are ignored, as elsewhere. @throws ApiError: names the first wrong field */
export function parseRequest<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body, { reportInput: true });
  if (result.success) return result.data;
  throw describeIssue(innermost(result.error.issues[0]!));
}

/** Of a union, the problem within the only kind of value that this one can be. */
function innermost(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const within = issue.errors.map((issues) => issues[0]!).filter(({ path }) => path.length > 0);
  if (within.length !== 1) return issue;
  return innermost({ ...within[0]!, path: [...issue.path, ...within[0]!.path] });
}

function describeIssue(issue: Issue): ApiError {
  const param = fieldName(issue.path);
  const [message, code] = problem(issue, param);
  return new ApiError(400, message, { param: param === "" ? undefined : param, code });
}

function problem(issue: Issue, field: string): [message: string, code: string] {
  const { input } = issue;
  if (field === "") return ["The body must be a JSON object.", "invalid_type"];
  if (input === undefined && issue.code !== "custom") {
    return [`Missing required parameter: '${field}'.`, "missing_required_parameter"];
  }
  switch (issue.code) {
    case "too_small":
      return outOfRange(field, issue, "minimum", issue.minimum, (issue.inclusive ?? true) ? ">=" : ">");
    case "too_big":
      return outOfRange(field, issue, "maximum", issue.maximum, (issue.inclusive ?? true) ? "<=" : "<");
    case "invalid_value":
      return [`Invalid value for '${field}'. ${supported(issue.values)}`, "invalid_value"];
    case "invalid_type":
      return [
        `Invalid type for '${field}': expected ${issue.expected}, but got ${typeName(input)}.`,
        "invalid_type",
      ];
    default:
      // What the schema itself says.
      return [`Invalid value for '${field}'. ${issue.message}`, "invalid_value"];
  }
}

function outOfRange(
  field: string,
  { origin, input, path }: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  bound: "minimum" | "maximum",
  limit: number | bigint,
  sign: string,
): [message: string, code: string] {
  const side = bound === "minimum" ? "below_min" : "above_max";
  if (origin === "array" || origin === "string") {
    const length = (input as string | readonly unknown[]).length;
    const message = `Invalid '${field}': expected ${origin} of ${bound} length ${limit}, but got length ${length}.`;
    return [message, length === 0 ? `empty_${origin}` : `${origin}_${side}_length`];
  }
  const kind = decimalFields.has(String(path[0])) ? "decimal" : "integer";
  const where = bound === "minimum" ? "below minimum" : "above maximum";
  const message = `Invalid '${field}': ${kind} ${where} value. Expected a value ${sign} ${limit}, but got ${input} instead.`;
  return [message, `${kind}_${side}_value`];
}

function supported(values: readonly unknown[]): string {
  const list = values.map((value) => `'${String(value)}'`);
  return list.length === 1 ? `Supported value is: ${list[0]}.` : `Supported values are: ${list.join(", ")}.`;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** As OpenAI writes it: `messages[0].content[1].text`. */
function fieldName(path: Path): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === "number") return `${name}[${key}]`;
    return name === "" ? String(key) : `${name}.${String(key)}`;
  }, "");
}
