/**
 * The value of a JSON text that is still being written: what is open is closed, and what cannot be known yet, such as a
 * number that may go on, is left out. Strings come as far as they are.
 * @param text the beginning of a valid JSON text
 * @returns `undefined` while there is nothing to show
 */
export function parsePartialJson(text: string): unknown {
  const closers: string[] = [];
  /** Where the newest complete value ends, and what closes all around it. */
  let complete = { text: "", closers: "" };
  let isKey = false;
  const mark = (end: number, last = "") => {
    complete = { text: text.slice(0, end) + last, closers: [...closers].reverse().join("") };
  };
  for (let index = 0; index < text.length; ) {
    const character = text[index]!;
    if (character === '"') {
      const end = stringEnd(text, index);
      if (end !== undefined && !isKey) mark(end);
      else if (end === undefined && !isKey) mark(openStringEnd(text, index), '"');
      index = end ?? text.length;
      continue;
    }
    if (character === "{" || character === "[") closers.push(character === "{" ? "}" : "]");
    if (character === "}" || character === "]") closers.pop();
    if (/[{}[\]]/.test(character)) mark(index + 1);
    isKey =
      character === "{" || (character === "," && closers.at(-1) === "}") || (isKey && character !== ":");
    const scalar = /^[-+.\w]+/.exec(text.slice(index))?.[0] ?? "";
    index += scalar.length || 1;
    if (scalar !== "" && index < text.length) mark(index);
  }
  if (complete.text === "") return undefined;
  return JSON.parse(complete.text + complete.closers);
}

/** Behind the closing quote of the string that begins at `start`. */
function stringEnd(text: string, start: number): number | undefined {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === '"') return index + 1;
  }
  return undefined;
}

/** Before an escape, or a half of a surrogate pair, that is not whole yet. */
function openStringEnd(text: string, start: number): number {
  const content = text.slice(start + 1);
  const units =
    content.match(
      /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\[^u]|[^\\]/gsu,
    ) ?? [];
  let length = 0;
  for (const unit of units) {
    if (content.slice(length, length + unit.length) !== unit) break;
    length += unit.length;
  }
  const last = content.slice(0, length);
  return start + 1 + last.replace(/\\u[dD][89abAB][\da-fA-F]{2}$/, "").length;
}
