import type { Value } from "./jinja.ts";

/** `str(value)` in Python, which is how Jinja writes a value. */
export function pythonString(value: Value): string {
  if (value.type === "StringValue") return value.value;
  return value.type === "UndefinedValue" ? "" : representation(value);
}

/** `repr(value)` in Python. */
function representation(value: Value): string {
  switch (value.type) {
    case "StringValue":
      return quoted(value.value);
    case "IntegerValue":
      return String(value.value);
    case "FloatValue":
      return Number.isInteger(value.value) && Math.abs(value.value) < 1e16
        ? `${value.value}.0`
        : String(value.value);
    case "BooleanValue":
      return value.value ? "True" : "False";
    case "NullValue":
      return "None";
    case "UndefinedValue":
      return "Undefined";
    case "ArrayValue":
      return `[${value.value.map(representation).join(", ")}]`;
    case "TupleValue":
      return `(${value.value.map(representation).join(", ")}${value.value.length === 1 ? "," : ""})`;
    case "FunctionValue":
      throw new Error("a function cannot be written");
    default:
      return `{${Array.from(value.value, ([key, item]) => `${quoted(key)}: ${representation(item)}`).join(", ")}}`;
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** What Python does not print as it is. */
const unprintable = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unprintable, (character) => escapes.get(character) ?? numbered(character));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function numbered(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
