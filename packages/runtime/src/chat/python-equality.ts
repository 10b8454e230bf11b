import type { Value } from "./jinja.ts";

/** `a == b` in Python: by content, and `True == 1`. */
export function pythonEqual(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return Number(a.value) === Number(b.value);
  if (a.type !== b.type) return false;
  if (a === b) return true;
  if (isList(a) && isList(b)) {
    return (
      a.value.length === b.value.length && a.value.every((item, index) => pythonEqual(item, b.value[index]!))
    );
  }
  if (a.type === "ObjectValue" && b.type === "ObjectValue") {
    return (
      a.value.size === b.value.size &&
      Array.from(a.value).every(([key, item]) => {
        const other = b.value.get(key);
        return other !== undefined && pythonEqual(item, other);
      })
    );
  }
  return a.value === b.value;
}

function isNumber(value: Value) {
  return value.type === "IntegerValue" || value.type === "FloatValue" || value.type === "BooleanValue";
}

function isList(value: Value): value is Extract<Value, { type: "ArrayValue" | "TupleValue" }> {
  return value.type === "ArrayValue" || value.type === "TupleValue";
}
